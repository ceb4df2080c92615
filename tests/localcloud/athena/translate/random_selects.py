"""Random queries: windows and frames, grouping sets, joins, subqueries, set operations, lambdas, from a seed.

`random_selects.py SEED COUNT [FOLDER]` asks the Trino of a local cloud and prints statements with its answers
(`generated_selects.jsonl` has 120). Every statement orders its rows by all shown columns, or by the key.
"""

import random
import sys
from collections.abc import Sequence
from typing import Any

_ROWS = (
    "(1, 'eu', 3, 1.5e0, decimal '10.50', date '2024-01-05', timestamp '2024-01-05 10:00:00.250', true,"
    " array[3, 1, 2], map(array['k', 'l'], array[1, 2]))",
    "(2, 'eu', null, nan(), decimal '7.25', date '2024-01-07', timestamp '2024-01-07 09:30:00.000', false,"
    " array[], map(array['k'], array[5]))",
    "(3, 'us', 7, null, decimal '0.00', date '2024-01-07', timestamp '2024-01-07 23:59:59.999', null,"
    " null, null)",
    "(4, 'us', 3, -2.5e0, decimal '-3.10', date '2024-02-29', timestamp '2024-02-29 00:00:00.000', true,"
    " array[5, null, 5], map())",
    "(5, null, 9, 4e0, null, null, null, false, array[null], map(array['m'], array[cast(null as integer)]))",
    "(6, 'eu ', -4, 0e0, decimal '99999.99', date '2024-03-31', timestamp '2024-03-31 02:30:00.000', true,"
    " array[6], map(array['k'], array[-1]))",
)
_NAMES = "(id, g, q, x, c, d, ts, b, a, m)"
_NUMBERS = (
    "q",
    "c",
    "x",
    "id",
    "q + id",
    "c * 2",
    "coalesce(q, 0)",
    "nullif(q, 3)",
    "abs(c)",
    "q / 2",
    "q % 4",
    "-x",
)
_TEXTS = (
    "g",
    "upper(g)",
    "g || 'x'",
    "coalesce(g, '?')",
    "trim(g)",
    "cast(d as varchar)",
    "cast(g as char(4))",
)
_TIMES = (
    *("d", "ts", "date_trunc('month', d)", "d + interval '1' month", "ts - interval '36' hour"),
    *("cast(ts as date)", "date_trunc('week', ts)", "last_day_of_month(d)", "date_add('day', id, d)"),
)
_CONDITIONS = (
    *("b", "not b", "q > 3", "g = 'eu'", "g <> 'eu'", "x < 2e0", "d < date '2024-02-01'", "c is null"),
    *(
        "q in (3, 7)",
        "q not in (3, null)",
        "g like 'e%'",
        "q between -4 and 3",
        "x = x",
        "b is distinct from true",
    ),
)
_AGGREGATES = (
    *("count(*)", "count({n})", "sum({n})", "avg({n})", "min({o})", "max({o})", "count(distinct {o})"),
    *("sum({n}) filter (where {p})", "array_agg({o} order by id)", "max_by({t}, id)", "min_by({o}, id)"),
    *("bool_or({p})", "count_if({p})", "listagg({t}, ',') within group (order by id)", "sum(distinct q)"),
    *("max(q, 2)", "map_agg(id, {n})", "approx_distinct({o})", "avg(c)", "sum(c) / count(*)"),
)
_TOTALS = ("count(*)", "count({n})", "sum(c)", "sum(q)", "min({n})", "max({n})", "avg(q)", "count_if({p})")
_PLACED = (
    *("row_number()", "lag({o})", "lead({n}, 2)", "lag({n}, 1, 0)", "ntile(3)", "rank()", "cume_dist()"),
    *("lag({o}) ignore nulls", "dense_rank()", "percent_rank()"),
)
_FRAMED = ("first_value({o})", "last_value({o}) ignore nulls", "nth_value({n}, 2)", "array_agg(id)", *_TOTALS)
_BOUNDS = ("unbounded preceding", "2 preceding", "1 preceding", "current row", "1 following", "2 following")
_SETS = (
    *("rollup(g, b)", "cube(g, b)", "grouping sets ((g, b), (g), ())", "grouping sets ((b), (b), (g))"),
    *(
        "g, rollup(b)",
        "rollup(g), cube(b)",
        "distinct rollup(g), rollup(g, b)",
        "grouping sets ((g, b), (b, g))",
    ),
)
_JOINS = (
    *("t.q = u.q", "t.g = u.g and t.id < u.id", "t.d between u.d and u.d + interval '30' day", "t.x = u.x"),
    *("t.g is not distinct from u.g", "t.c > u.c and t.b", "trim(t.g) = u.g", "t.q = u.c", "t.d = u.ts"),
)
# Comparisons of two rows are selected, not filtered by, since WHERE treats false and unknown alike.
_PAIRS = (("x", "x"), ("x", "x"), ("x", "q"), ("c", "x"), ("q", "c"), ("g", "g"), ("d", "ts"), ("q", "q"))
_UNORDERED = (("a", "a"), ("m", "m"), ("b", "b"))
_ALIKE = (
    *("{l} = {r}", "{l} <> {r}", "{l} is distinct from {r}", "nullif({l}, {r})", "not ({l} = {r})"),
    *("case {l} when {r} then 1 else 2 end", "row({l}, t.id) = row({r}, t.id)", "array[{l}] <> array[{r}]"),
)
_COMPARED = (
    *("{l} < {r}", "not ({l} <= {r})", "{l} > {r}", "not ({l} >= {r})", "{l} between {r} and {r}"),
    *("{l} in ({r}, null)", "{l} not in ({r})", "not ({l} not between {r} and {l})"),
    *_ALIKE,
)
_LISTS = (
    *(
        "transform(a, e -> e + id)",
        "filter(a, e -> e > id)",
        "reduce(a, 0, (s, e) -> s + coalesce(e, id), s -> s)",
    ),
    *("any_match(a, e -> e > 4)", "zip_with(a, array[id], (e, f) -> coalesce(e, f))", "array_sort(a)"),
    *(
        "array_distinct(a)",
        "cardinality(a)",
        "element_at(a, -1)",
        "contains(a, 5)",
        "array_max(a)",
        "a || id",
    ),
    *("array_except(a, array[5])", "array_intersect(a, array[5, null, 3])", "array_union(a, array[id])"),
    *("transform_values(m, (k, v) -> v + id)", "map_filter(m, (k, v) -> v > 0)", "element_at(m, 'k')"),
    *("cast(a as json)", "cast(m as json)", "array_join(a, '-', '?')", "arrays_overlap(a, array[id])"),
    *("transform(sequence(1, 3), e -> row(e, q))", "slice(a, 2, 2)", "array_position(a, 5)", "reverse(a)"),
    *(
        "map_concat(m, map(array['z'], array[id]))",
        "flatten(array[a, a])",
        "array_remove(a, 5)",
        "a = array[6]",
    ),
)


class Generator:
    """Statements from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def statement(self) -> str:
        kinds = (
            self._window,
            self._window,
            self._grouped,
            self._joined,
            self._united,
            self._nested,
            self._asked,
            self._compared,
        )
        return self._choose(kinds)()

    def _choose(self, among: Sequence[Any]) -> Any:
        return self._random.choice(among)

    def _filled(self, template: str) -> str:
        """Fill a template: {n} is a number, {t} a text, {o} anything with an order, {p} a condition."""
        ordered = self._choose((_NUMBERS, _TEXTS, _TIMES))
        return template.format(
            n=self._choose(_NUMBERS),
            t=self._choose(_TEXTS),
            o=self._choose(ordered),
            p=self._choose(_CONDITIONS),
        )

    def _from(self, name: str = "t") -> str:
        return f"(values {', '.join(_ROWS)}) {name}{_NAMES}"

    def _where(self) -> str:
        return f" where {self._choose(_CONDITIONS)}" if self._random.random() < 0.4 else ""

    def _window(self) -> str:
        calls = ", ".join(self._over() for _ in range(self._random.randint(1, 3)))
        return f"select id, {calls} from {self._from()}{self._where()} order by id"

    def _over(self) -> str:
        partition = self._choose(("", "", "partition by g ", "partition by b ", "partition by q % 2 "))
        way = self._choose(("", " desc", " nulls first", " desc nulls last", " desc nulls first"))
        key = self._choose((*_NUMBERS[:6], *_TEXTS[:4], *_TIMES[:4]))
        kind = self._random.random()
        if kind < 0.25:
            return f"{self._filled(self._choose(_PLACED))} over ({partition}order by {key}{way}, id)"
        if kind < 0.55:
            call = self._filled(self._choose(_FRAMED))
            return f"{call} over ({partition}order by {key}{way}, id {self._frame('rows')})"
        total = self._filled(self._choose(_TOTALS))
        if kind < 0.75:
            return f"{total} over ({partition}order by {key}{way} {self._frame('groups')})"
        key, units = self._choose(
            (("q", "{}"), ("c", "{}"), ("d", "interval '{}' day"), ("d", "interval '{}' month"))
        )
        return f"{total} over ({partition}order by {key}{way} {self._frame('range', units)})"

    def _frame(self, mode: str, units: str = "{}") -> str:
        ends = sorted(self._random.sample(range(len(_BOUNDS)), 2))
        first, last = (_BOUNDS[end] for end in ends)
        shown = [
            f"{units.format(bound[0])}{bound[1:]}" if bound[0].isdigit() else bound for bound in (first, last)
        ]
        return f"{mode} between {shown[0]} and {shown[1]}"

    def _grouped(self) -> str:
        made = [self._filled(self._choose(_AGGREGATES)) for _ in range(self._random.randint(1, 3))]
        if self._random.random() < 0.4:
            keys, by = ["g", "b", "grouping(g, b)"], self._choose(_SETS)
        else:
            key = self._choose((*_TEXTS, *_TIMES, "b", "q", "x"))
            keys, by = [key], key
        having = self._choose(("", "", " having count(*) > 1", " having max(q) > 3", " having min(id) < 5"))
        order = ", ".join(str(at) for at in range(1, len(keys) + 1))
        shown = ", ".join([*keys, *made])
        tail = f"group by {by}{having} order by {order}, count(*), sum(id)"
        return f"select {shown} from {self._from()}{self._where()} {tail}"

    def _joined(self) -> str:
        kind = self._choose(("join", "left join", "right join", "full join"))
        on = self._choose(_JOINS)
        shown = self._choose(("t.id, u.id", "t.id, u.id, coalesce(t.g, u.g), t.q + u.c"))
        return f"select {shown} from {self._from()} {kind} {self._from('u')} on {on} order by 1, 2"

    def _united(self) -> str:
        which = self._choose((_NUMBERS, _TEXTS, _TIMES))
        sides = [f"select {self._choose(which)}, {self._choose(('b', 'null', 'id'))}" for _ in range(2)]
        if "b" in sides[0][-2:] + sides[1][-2:]:
            sides = [f"{side.rsplit(',', 1)[0]}, b" for side in sides]
        word = self._choose(("union", "union all", "intersect", "except", "intersect all", "except all"))
        whole = f" {word} ".join(f"{side} from {self._from()}{self._where()}" for side in sides)
        return f"{whole} order by 1, 2"

    def _nested(self) -> str:
        if self._random.random() < 0.6:
            shown = ", ".join(self._random.sample(_LISTS, 2))
            return f"select id, {shown} from {self._from()}{self._where()} order by id"
        what, names = self._choose(
            (("a", "v, o"), ("m", "k, v, o"), ("a, array[id, 0]", "v, w, o"), ("a, m", "v, k, w, o"))
        )
        how, tail = self._choose((("cross", ""), ("left", " on true")))
        found = f"{how} join unnest({what}) with ordinality as e({names}){tail}"
        return f"select id, {names} from {self._from()} {found}{self._where()} order by id, o"

    def _compared(self) -> str:
        (left, right), forms = self._choose(
            (
                *((pair, _COMPARED) for pair in _PAIRS),
                *((pair, _ALIKE) for pair in _UNORDERED),
            )
        )
        made = (form.format(l=f"t.{left}", r=f"u.{right}") for form in self._random.sample(forms, 3))
        tables = f"{self._from()} cross join {self._from('u')}"
        return f"select t.id, u.id, {', '.join(made)} from {tables} order by 1, 2"

    def _asked(self) -> str:
        inner, key = self._from("u"), self._choose(("g", "q", "b", "d"))
        value = self._choose((*_NUMBERS[:4], "g", "d"))
        where = self._choose((f"u.{key} = t.{key}", f"u.{key} = t.{key} and u.id <> t.id"))
        total, other = self._choose(("max", "min", "count")), self._choose(_CONDITIONS)
        sign, word = self._choose((">", "<=", "=")), self._choose(("all", "any"))
        asked = (
            f"(select {total}(u.{value.split()[0]}) from {inner} where {where})",
            f"exists (select 1 from {inner} where {where})",
            f"{value} in (select {value} from {inner} where {other})",
            f"{value} not in (select {value} from {inner} where {other})",
            f"{self._choose('qxc')} {sign} {word} (select {self._choose('qxc')} from {inner} where id > 2)",
            f"{self._choose('qx')} in (values 3, 9, {self._choose(('null', 'nan()', '0'))})",
        )
        shown = ", ".join(self._random.sample(asked, 2))
        return f"select id, {shown} from {self._from()}{self._where()} order by id"


def statements(seed: int, count: int) -> list[str]:
    """Return `count` different statements."""
    generator, found = Generator(seed), dict[str, None]()
    while len(found) < count:
        found[generator.statement()] = None
    return list(found)


if __name__ == "__main__":
    from record import connected, print_answers

    seed, count, *folder = sys.argv[1:]
    print_answers(statements(int(seed), int(count)), connected(*folder))
