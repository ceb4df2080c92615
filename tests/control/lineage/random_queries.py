"""Random queries in Athena's dialect over the relations of hard_queries.py, each with a deterministic result.

Columns are integers or null and are called c0, c1 … in every select. Where the order matters (LIMIT, frames
of rows), rows are ordered by all columns, so that tied rows are equal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from hard_queries import COLUMNS

TABLES = {name: columns for name, columns in COLUMNS.items() if name != "s.held"}
ARRAYS = ("arr",)


@dataclass(frozen=True, slots=True)
class Relation:
    """An item of FROM: its text, and its integer and array columns."""

    text: str
    integers: tuple[str, ...]
    arrays: tuple[str, ...] = ()


@dataclass(slots=True)
class Draw:
    """The random choices of one query."""

    random: Random
    ctes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def often(self, share: float) -> bool:
        return self.random.random() < share

    def name(self) -> str:
        return f"t{next(self.numbers)}"


def query(seed: int) -> str:
    """Draw a query; the same seed draws the same one."""
    draw = Draw(Random(seed))
    heads = [with_item(draw) for _ in range(draw.random.choice((0, 0, 1, 2)))]
    body, _ = rows(draw, draw.random.choice((0, 1, 1, 2)))
    word = "with recursive" if any(" (c0, c1) as " in head for head in heads) else "with"
    return f"{word} {', '.join(heads)} {body}" if heads else body


def merge(seed: int) -> str:
    """Draw a MERGE into s.held (id, z), whose source has each id once."""
    draw = Draw(Random(seed))
    text, _ = set_operation(draw, 1) if draw.often(0.3) else select(draw, 1, (), 2)
    source = f"(select c0, max(c1) as c1 from ({text}) as {draw.name()} group by c0)"
    only = Expressions(draw, 0, ("q.c0", "q.c1"), ())
    branches = draw.random.sample(
        (
            f"when matched and {only.plain_condition()} then delete",
            f"when matched and {only.plain_condition()} then update set z = {only.plain()}",
            f"when matched then update set z = h.z + {only.plain()}",
            f"when not matched and {only.plain_condition()} then insert (id) values ({only.plain()})",
            f"when not matched then insert (z, id) values ({only.plain()}, q.c0)",
        ),
        draw.random.randint(1, 3),
    )
    unconditional_last = sorted(branches, key=lambda branch: " and " not in branch)
    return f"merge into s.held as h using {source} as q on h.id = q.c0 {' '.join(unconditional_last)}"


def with_item(draw: Draw) -> str:
    """Draw a common table expression, which may read itself and the ones before."""
    name = f"cte{next(draw.numbers)}"
    if not draw.often(0.3):
        text, columns = rows(draw, 1)
        draw.ctes[name] = columns
        return f"{name} as ({text})"
    first, columns = select(draw, 0, (), 2)
    step, other = draw.name(), draw.name()
    joined = relation(draw, 0)
    on = f"{step}.c1 = {other}.{draw.random.choice(joined.integers)}"
    value = Expressions(draw, 0, [f"{step}.c1", *(f"{other}.{c}" for c in joined.integers)], ()).plain()
    draw.ctes[name] = columns
    return (
        f"{name} (c0, c1) as (select * from ({first}) as {draw.name()} "
        f"union all select {step}.c0 + 1, {value} from {name} as {step} "
        f"join {joined.text} as {other} on {on} where {step}.c0 < 3)"
    )


def rows(draw: Draw, depth: int, outer: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """Draw a select or a set operation; return it with its columns. `outer` columns may be correlated."""
    if depth > 0 and draw.often(0.35):
        return set_operation(draw, depth)
    return select(draw, depth, outer)


def set_operation(draw: Draw, depth: int) -> tuple[str, tuple[str, ...]]:
    width = draw.random.randint(2, 3)
    text = select(draw, depth - 1, (), width)[0]
    for _ in range(draw.random.choice((1, 1, 2))):
        text = f"({text})" if draw.often(0.2) else text
        operator = draw.random.choice(("union all", "union", "intersect", "except"))
        text += f" {operator} {select(draw, depth - 1, (), width)[0]}"
    names = tuple(f"c{place}" for place in range(width))
    return f"{text}{ordered(draw, names)}", names


def ordered(draw: Draw, names: Sequence[str]) -> str:
    if not draw.often(0.5):
        return ""
    keys = ", ".join(draw.random.sample([*names], len(names)))
    return f" order by {keys} limit {draw.random.randint(1, 4)}"


def select(draw: Draw, depth: int, outer: Sequence[str], width: int = 0) -> tuple[str, tuple[str, ...]]:
    sources, joined = joins(draw, depth)
    own = [f"{name}.{column}" for name, one in sources.items() for column in one.integers]
    arrays = [f"{name}.{column}" for name, one in sources.items() for column in one.arrays]
    inside, beside = Expressions(draw, depth, [*own, *outer], arrays), Expressions(draw, depth, own, arrays)
    where = f" where {inside.condition()}" if draw.often(0.3) else ""
    width = width or draw.random.randint(1, 3)
    names = tuple(f"c{place}" for place in range(width))
    if draw.often(0.3):
        values, behind = grouped(beside, width)
    else:
        windows: list[str] = []
        values = [windowed(beside, windows) if draw.often(0.35) else inside.value() for _ in range(width)]
        behind = f" window {', '.join(windows)}" if windows else ""
    shown = ", ".join(f"{value} as {name}" for value, name in zip(values, names, strict=True))
    unique = "distinct " if draw.often(0.2) else ""
    text = f"select {unique}{shown} from {joined}{where}{behind}"
    if order := ordered(draw, names):
        text = f"select * from ({text}) as {draw.name()}{order}"
    return f"({text})" if width and order else text, names


def joins(draw: Draw, depth: int) -> tuple[Mapping[str, Relation], str]:
    """Draw one to three relations; return them by name, and the text of FROM."""
    name = draw.name()
    found = {name: relation(draw, depth)}
    text = f"{found[name].text} as {name}"
    for _ in range(draw.random.choice((0, 0, 0, 1, 1, 2))):
        known = [f"{one}.{column}" for one, it in found.items() for column in it.integers]
        arrays = [f"{one}.{column}" for one, it in found.items() for column in it.arrays]
        name = draw.name()
        if arrays and draw.often(0.4):
            found[name] = Relation("", ("e", "o"))
            text += f" cross join unnest({draw.random.choice(arrays)}) with ordinality as {name}(e, o)"
            continue
        if draw.often(0.15):
            found[name] = Relation("", ("v",))
            values = ", ".join(f"({Expressions(draw, 0, known, ()).plain()})" for _ in range(2))
            text += f" cross join lateral (values {values}) as {name}(v)"
            continue
        if depth > 0 and draw.often(0.4):
            inner, columns = select(draw, 0, known)
            found[name] = Relation("", columns)
            text += f" cross join lateral ({inner}) as {name}"
            continue
        found[name] = relation(draw, depth)
        kind = draw.random.choice(("join", "left join", "full join", "cross join"))
        text += f" {kind} {found[name].text} as {name}"
        if kind != "cross join":
            own = [f"{name}.{column}" for column in found[name].integers]
            text += f" on {draw.random.choice(known)} = {draw.random.choice(own)}"
    return found, text


def relation(draw: Draw, depth: int) -> Relation:
    if draw.ctes and draw.often(0.4):
        name, columns = draw.random.choice(sorted(draw.ctes.items()))
        return Relation(name, columns)
    if draw.often(0.15):
        return joined_by_name(draw)
    if depth > 0 and draw.often(0.3):
        text, columns = rows(draw, depth - 1)
        if draw.often(0.4):
            hiding = draw.random.choice([*draw.ctes, *(name.removeprefix("s.") for name in TABLES)])
            text = f"with {hiding} as ({text}) select {', '.join(columns)} from {hiding}"
        return Relation(f"({text})", columns)
    name, columns = draw.random.choice(sorted(TABLES.items()))
    integers = tuple(column for column in columns if column not in ARRAYS)
    return Relation(name, integers, tuple(column for column in columns if column in ARRAYS))


def joined_by_name(draw: Draw) -> Relation:
    """Draw all columns of a join with USING; two other columns may have one name, which nothing refers to."""
    left, right = draw.random.choice((("s.a", "s.b"), ("s.b", "s.a"), ("s.a", "s.a")))
    kind = draw.random.choice(("join", "left join", "right join", "full join"))
    text = f"(select * from {left} as {draw.name()} {kind} {right} as {draw.name()} using (id))"
    names = [*TABLES[left], *TABLES[right]]
    once = tuple(name for name in names if name == "id" or names.count(name) == 1)
    integers = tuple(dict.fromkeys(name for name in once if name not in ARRAYS))
    return Relation(text, integers, tuple(name for name in once if name in ARRAYS))


def grouped(own: "Expressions", width: int) -> tuple[list[str], str]:
    """Draw the values of groups, and the clauses after WHERE."""
    draw = own.draw
    keys = [draw.random.choice(own.columns) for _ in range(draw.random.randint(1, 2))]
    values = [draw.random.choice(keys) if draw.often(0.3) else aggregate(own) for _ in range(width)]
    sets = draw.random.choice(("{}", "{}", "{}", "rollup({})", "cube({})", "grouping sets (({}), ())"))
    having = f" having {aggregate(own)} > {draw.random.randrange(6)}" if draw.often(0.3) else ""
    return values, f" group by {sets.format(', '.join(dict.fromkeys(keys)))}{having}"


def aggregate(own: "Expressions") -> str:
    calls = ["sum({})", "min({})", "max({})", "count({})", "count(distinct {})"]
    if own.draw.often(0.2):
        value, key = own.draw.random.choice(own.columns), own.draw.random.choice(own.columns)
        return f"element_at(array_agg({value} order by {key}, {value}), 1)"
    call = own.draw.random.choice(calls)
    only = f" filter (where {own.plain_condition()})" if own.draw.often(0.3) else ""
    return f"{call.format(own.plain())}{only}"


def windowed(own: "Expressions", windows: list[str]) -> str:
    """Draw a call over a window, which may be added to `windows`, in up to two steps."""
    draw = own.draw
    call = draw.random.choice(("sum({})", "min({})", "count({})", "rank()", "dense_rank()"))
    keys = f"partition by {draw.random.choice(own.columns)} " if draw.often(0.4) else ""
    if call.startswith(("rank", "dense")) or draw.often(0.4):
        order = f"order by {draw.random.choice(own.columns)}"
    else:
        order = f"order by {', '.join(own.columns)} rows between 2 preceding and current row"
    if draw.often(0.6):
        return f"{call.format(own.plain())} over ({keys}{order})"
    base, name = draw.name(), draw.name()
    windows += [f"{base} as ({keys})", f"{name} as ({base} {order})"]
    return f"{call.format(own.plain())} over {name}"


@dataclass(frozen=True, slots=True)
class Expressions:
    """Draws expressions over these columns."""

    draw: Draw
    depth: int
    columns: Sequence[str]
    arrays: Sequence[str]

    def plain(self) -> str:
        """Draw a value without a subquery."""
        one, other = self._column(), self._column()
        return self.draw.random.choice(
            (one, one, f"{one} + {other}", f"coalesce({one}, {other})", f"nullif({one}, {other})")
        )

    def plain_condition(self) -> str:
        """Draw a condition without a subquery."""
        return f"{self._column()} {self.draw.random.choice(('<', '=', '<>'))} {self.draw.random.randrange(5)}"

    def value(self) -> str:
        """Draw a value."""
        choices = [self.plain, self.plain, self._case, self._of_map]
        if self.depth > 0:
            choices.append(self._scalar)
        if self.arrays:
            choices.append(self._of_array)
        return self.draw.random.choice(choices)()

    def condition(self) -> str:
        """Draw a condition."""
        choices = [self.plain_condition, self.plain_condition, self._both, self._distinct]
        if self.depth > 0:
            choices += [self._exists, self._exists, self._listed, self._paired, self._compared]
        return self.draw.random.choice(choices)()

    def _column(self) -> str:
        return self.draw.random.choice(self.columns)

    def _case(self) -> str:
        return f"case when {self.plain_condition()} then {self.plain()} else {self.plain()} end"

    def _both(self) -> str:
        return f"({self.plain_condition()} {self.draw.random.choice(('and', 'or'))} {self.plain_condition()})"

    def _distinct(self) -> str:
        return f"{self._column()} is distinct from {self._column()}"

    def _of_map(self) -> str:
        return f"element_at(map(array[0, 1], array[{self._column()}, {self._column()}]), {self._column()})"

    def _of_array(self) -> str:
        array = self.draw.random.choice(self.arrays)
        return self.draw.random.choice(
            (
                f"cardinality({array})",
                f"cardinality(filter({array}, e -> e < {self._column()}))",
                f"element_at(transform({array}, e -> e + {self._column()}), 1)",
            )
        )

    def _scalar(self) -> str:
        text, names = select(self.draw, self.depth - 1, self.columns, 1)
        call = self.draw.random.choice(("max", "count", "sum"))
        return f"(select {call}(q.{names[0]}) from ({text}) as q)"

    def _exists(self) -> str:
        text, names = select(self.draw, self.depth - 1, self.columns)
        same = f" where q.{names[0]} = {self._column()}" if self.draw.often(0.5) else ""
        return f"{self.draw.random.choice(('', 'not '))}exists (select 1 from ({text}) as q{same})"

    def _listed(self) -> str:
        text, _ = select(self.draw, self.depth - 1, (), 1)
        return f"{self._column()} {self.draw.random.choice(('', 'not '))}in ({text})"

    def _paired(self) -> str:
        text, _ = select(self.draw, self.depth - 1, (), 2)
        return f"({self._column()}, {self._column()}) in ({text})"

    def _compared(self) -> str:
        text, _ = select(self.draw, self.depth - 1, (), 1)
        return f"{self._column()} {self.draw.random.choice(('<', '>='))} {self._quantifier()} ({text})"

    def _quantifier(self) -> str:
        return self.draw.random.choice(("any", "all"))
