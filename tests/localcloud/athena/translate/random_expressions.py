"""Random typed expressions over the functions that the local cloud has, one `select` each.

    random_expressions.py --seed 7 --count 500 > statements.sql

The functions and their argument types come from the translation's own list; functions with special rules are
written here. Only deterministic calls are generated.
"""

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass

from localcloud.athena.translate.functions import calls  # noqa: F401  fills the list
from localcloud.athena.translate.functions.registry import FUNCTIONS
from localcloud.athena.translate.functions.signatures import (
    Signature,
    is_variable,
    match,
    resolved,
    signature,
)
from localcloud.athena.translate.terms import UNKNOWN
from localcloud.athena.types import Type, parse

_LEFT_OUT = {"random", "rand", "shuffle", "uuid", "repeat", "sequence", "combinations", "$json_parse"}
_LEFT_OUT |= {"char2hexint", "great_circle_distance", "index"}  # of plugins that the recording Trino lacks
_LEFT_OUT |= {"json_extract", "json_extract_scalar", "json_size"}  # paths, which are no random texts

_VALUES = {
    "boolean": ("true", "false"),
    "tinyint": ("tinyint '7'", "tinyint '-128'"),
    "smallint": ("smallint '300'", "smallint '-1'"),
    "integer": ("0", "1", "-1", "2", "7", "2147483647", "-2147483648", "10"),
    "bigint": ("bigint '0'", "bigint '3'", "bigint '-3'", "bigint '9007199254740993'", "bigint '64'"),
    "real": ("real '1.5'", "real '0.1'", "real '-3'"),
    "double": ("0e0", "1.5e0", "-2.5e0", "1e-3", "3e0", "0.1e0", "1e15", "nan()", "infinity()"),
    "varchar": ("''", "'abc'", "'aBc d'", "'ä€𝄞'", "'1.5'", "'a,b,,c'", "' x '", "'2024-02-29'", "'12'"),
    "varchar(3)": ("cast('abc' as varchar(3))", "cast('é' as varchar(3))"),
    "decimal(10,2)": ("decimal '12345678.90'", "decimal '-00000000.05'", "decimal '00000002.50'"),
    "decimal(3,0)": ("decimal '007'", "decimal '-12'", "decimal '100'"),
    "date": ("date '2024-02-29'", "date '1969-12-31'", "date '2023-01-01'"),
    "timestamp(3)": (
        "timestamp '2024-02-29 23:59:59.999'",
        "timestamp '1969-12-31 00:00:00.001'",
        "timestamp '2023-07-01 12:34:56.500'",
    ),
    "timestamp(3) with time zone": (
        "timestamp '2024-02-29 23:59:59.999 UTC'",
        "timestamp '2024-07-01 01:02:03.000 Europe/Paris'",
        "timestamp '2023-01-01 00:00:00.000 -05:30'",
    ),
    "time(3)": ("time '01:02:03.456'", "time '23:59:59.999'"),
    "varbinary": ("x''", "x'616263'", "x'ff00'", "to_utf8('äb')"),
    "json": ('json \'{"a": [1, 2.50, null], "b": "x"}\'', "json '[1, \"2\", true]'", "json '1.50'"),
    "array(integer)": ("array[1, 2, 3]", "array[3, null, 1, 3]", "cast(array[] as array(integer))"),
    "array(varchar)": ("array['b', 'a', 'b']", "array['x', null]"),
    "array(double)": ("array[1e0, 2.5e0]", "array[0e0, -1e0]"),
    "array(array(integer))": ("array[array[1, 2], array[3]]", "array[array[2], null]"),
    "map(varchar, integer)": ("map(array['a', 'b'], array[1, 2])", "map(array['z'], array[null])"),
    "interval day to second": ("interval '1' day", "interval '90' minute", "interval '-3' second"),
    "interval year to month": ("interval '14' month", "interval '-1' year"),
}
_LEAVES = {parse(written): values for written, values in _VALUES.items()}
_TYPES = tuple(_LEAVES)

# What signatures cannot say: operators and functions with special rules, written over {0}, {1} …
_WRITTEN = {
    "({0} + {1})": ("+(T, T) -> T", "N"),
    "({0} - {1})": ("-(T, T) -> T", "N"),
    "({0} * {1})": ("*(T, T) -> T", "N"),
    "({0} / {1})": ("/(T, T) -> T", "N"),
    "({0} % {1})": ("%(T, T) -> T", "N"),
    "(- {0})": ("-(T) -> T", "N"),
    "({0} = {1})": ("=(T, T) -> boolean", "A"),
    "({0} <> {1})": ("<>(T, T) -> boolean", "A"),
    "({0} < {1})": ("<(T, T) -> boolean", "O"),
    "({0} >= {1})": (">=(T, T) -> boolean", "O"),
    "({0} is distinct from {1})": ("d(T, T) -> boolean", "A"),
    "({0} is null)": ("n(T) -> boolean", "A"),
    "({0} and {1})": ("a(boolean, boolean) -> boolean", "A"),
    "({0} or not {1})": ("o(boolean, boolean) -> boolean", "A"),
    "({0} between {1} and {2})": ("b(T, T, T) -> boolean", "O"),
    "({0} in ({1}, {2}))": ("i(T, T, T) -> boolean", "O"),
    "({0} like 'a%')": ("l(varchar) -> boolean", "A"),
    "if({0}, {1}, {2})": ("if(boolean, T, T) -> T", "A"),
    "coalesce({0}, {1})": ("coalesce(T, T) -> T", "A"),
    "nullif({0}, {1})": ("nullif(T, T) -> T", "O"),
    "greatest({0}, {1})": ("greatest(T, T) -> T", "O"),
    "least({0}, {1})": ("least(T, T) -> T", "O"),
    "try({0})": ("try(T) -> T", "A"),
    "typeof({0})": ("typeof(T) -> varchar", "A"),
    "cast({0} as varchar)": ("c(T) -> varchar", "S"),
    "cast({0} as integer)": ("c(T) -> integer", "N"),
    "cast({0} as bigint)": ("c(T) -> bigint", "N"),
    "cast({0} as double)": ("c(T) -> double", "N"),
    "cast({0} as decimal(10,2))": ("c(T) -> decimal(10,2)", "N"),
    "cast({0} as json)": ("c(T) -> json", "J"),
    "try_cast({0} as integer)": ("c(varchar) -> integer", "A"),
    "try_cast({0} as double)": ("c(varchar) -> double", "A"),
    "try_cast({0} as date)": ("c(varchar) -> date", "A"),
    "cast({0} as date)": ("c(timestamp(3)) -> date", "A"),
    "cast({0} as timestamp(3))": ("c(date) -> timestamp(3)", "A"),
    "cast({0} as array(varchar))": ("c(array(integer)) -> array(varchar)", "A"),
    "try_cast({0} as array(integer))": ("c(json) -> array(integer)", "A"),
    "date_add('month', {0}, {1})": ("d(integer, T) -> T", "D"),
    "date_add('day', {0}, {1})": ("d(integer, T) -> T", "D"),
    "date_diff('month', {0}, {1})": ("d(T, T) -> bigint", "D"),
    "date_diff('day', {0}, {1})": ("d(T, T) -> bigint", "D"),
    "date_trunc('month', {0})": ("d(T) -> T", "D"),
    "date_trunc('week', {0})": ("d(T) -> T", "D"),
    "date_format({0}, '%Y-%m-%d %H:%i:%s')": ("d(T) -> varchar", "D"),
    "transform({0}, x -> x + 1)": ("t(array(integer)) -> array(integer)", "A"),
    "filter({0}, x -> x > 1)": ("t(array(integer)) -> array(integer)", "A"),
    "reduce({0}, 0, (s, x) -> s + x, s -> s)": ("t(array(integer)) -> integer", "A"),
    "any_match({0}, x -> x > 2)": ("t(array(integer)) -> boolean", "A"),
    "zip_with({0}, {1}, (x, y) -> x + y)": (
        "t(array(integer), array(integer)) -> array(integer)",
        "A",
    ),
    "map_filter({0}, (k, v) -> v > 1)": ("t(map(varchar, integer)) -> map(varchar, integer)", "A"),
    "transform_values({0}, (k, v) -> v * 2)": ("t(map(varchar, integer)) -> map(varchar, integer)", "A"),
    "array_sort({0}, (x, y) -> if(x < y, 1, if(x = y, 0, -1)))": (
        "t(array(varchar)) -> array(varchar)",
        "A",
    ),
    "{0}[1]": ("e(array(T)) -> T", "A"),
    "json_extract({0}, '$.a[1]')": ("j(json) -> json", "A"),
    "json_extract_scalar({0}, '$.b')": ("j(json) -> varchar", "A"),
    "url_encode({0})": ("u(varchar) -> varchar", "A"),
}
_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "real", "double", "decimal")
_KINDS = {
    "A": lambda type_: True,
    "N": lambda type_: type_.name in _NUMBERS,
    "O": lambda type_: type_.name not in ("json", "map", "array", "boolean"),
    "S": lambda type_: not type_.parts and type_.name not in ("json", "varbinary"),
    "J": lambda type_: type_.name not in ("varbinary", "time") and "interval" not in type_.name,
    "D": lambda type_: type_.name in ("date", "timestamp", "timestamp with time zone"),
}


@dataclass(frozen=True)
class _Rule:
    """A way to write an expression: text with `{0}` …, and the types of its arguments."""

    text: str
    takes: Signature
    kind: str = "A"


def _rules() -> Iterator[_Rule]:
    for text, (written, kind) in _WRITTEN.items():
        yield _Rule(text, signature(written), kind)
    for name, function in sorted(FUNCTIONS.items()):
        if name in _LEFT_OUT or name in _WRITTEN_NAMES or function.windowed:
            continue
        for overload in function.overloads:
            takes = overload.signature
            if overload.scalar is not None and not any(p.name == "function" for p in takes.parameters):
                places = ", ".join(f"{{{at}}}" for at in range(len(takes.parameters)))
                yield _Rule(f"{name}({places})", takes)


_WRITTEN_NAMES = {text.partition("(")[0] for text in _WRITTEN if text[0].isalpha()} - {"url_encode"}
RULES = tuple(_rules())


class Generator:
    """Random expressions, each at most `depth` calls deep."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def statement(self, depth: int = 2) -> str:
        """Return `select expression`."""
        rule = self.random.choice(RULES)
        return f"select {self._call(rule, depth)[0]}"

    def readings(self, rule: _Rule) -> tuple[str, list[str]]:
        """Return a call over constants, and the same over columns: in two rows, with nulls, as keys, grouped.

        Raises LookupError when there is no value of an argument's type.
        """
        bound: dict[str, Type] = {}
        types = [self._concrete(parameter, bound, rule.kind) for parameter in rule.takes.parameters]
        values = [f"cast({self.random.choice(_LEAVES[type_])} as {type_.athena})" for type_ in types]
        names = [f"x{at}" for at in range(len(types))]
        nulls = ", ".join(f"cast(null as {type_.athena})" for type_ in types)
        row, columns = ", ".join(values), ", ".join(names)
        call, of_one = rule.text.format(*names), rule.text.format(*(f"arbitrary({name})" for name in names))
        return f"select {rule.text.format(*values)}", [
            f"select distinct {call} from (values ({row}), ({row})) t({columns})",
            f"select {call} from (values (1, {row}), (2, {nulls})) t(g, {columns}) where g = 1",
            f"select {call} from (values ({row}), ({row})) t({columns}) group by {columns}",
            f"select {call} from (values ({row}), ({row})) t({columns}) group by {call}",
            f"select {of_one} from (values ({row}), ({row})) t({columns})",
        ]

    def nested(self, rule: _Rule, depth: int) -> Iterator[str]:
        """Yield a call nested in each of its own arguments, `depth` times, around a column.

        Raises LookupError when there is no value of an argument's type.
        """
        bound: dict[str, Type] = {}
        types = [self._concrete(parameter, bound, rule.kind) for parameter in rule.takes.parameters]
        values = [f"cast({self.random.choice(_LEAVES[type_])} as {type_.athena})" for type_ in types]
        for at, value in enumerate(values):
            call = "x"
            for _ in range(depth):
                given = f"if({call} is null, x, x)" if call != "x" else call
                call = rule.text.format(*values[:at], given, *values[at + 1 :])
            yield f"select {call} from (values {value}) t(x)"

    def _call(self, rule: _Rule, depth: int) -> tuple[str, Type]:
        bound: dict[str, Type] = {}
        arguments = [
            self._argument(parameter, bound, rule.kind, depth) for parameter in rule.takes.parameters
        ]
        types = [type_ for _, type_ in arguments]
        found = match(rule.takes, types)
        result = resolved(rule.takes.result, found[1], types) if found is not None else UNKNOWN
        return rule.text.format(*(text for text, _ in arguments)), result

    def _argument(self, wanted: Type, bound: dict[str, Type], kind: str, depth: int) -> tuple[str, Type]:
        type_ = self._concrete(wanted, bound, kind)
        if depth == 0 and self.random.random() < 0.5:
            return f"cast(null as {type_.athena})", type_
        makers = [rule for rule in RULES if rule.takes.result == type_.athena]
        if depth > 1 and makers and self.random.random() < 0.5:
            return self._call(self.random.choice(makers), depth - 1)[0], type_
        return self.random.choice(_LEAVES[type_]), type_

    def _concrete(self, wanted: Type, bound: dict[str, Type], kind: str) -> Type:
        """Return a type that there are values of, close to the wanted one."""
        name = wanted.name
        if is_variable(wanted):
            if name not in bound:
                bound[name] = self.random.choice([type_ for type_ in _TYPES if _KINDS[kind](type_)])
            return bound[name]
        close = [type_ for type_ in _TYPES if type_.name == name and self._fits(wanted, type_, bound)]
        if not close:
            raise LookupError(wanted)
        return self.random.choice(close)

    def _fits(self, wanted: Type, type_: Type, bound: dict[str, Type]) -> bool:
        if not wanted.parts:
            return not wanted.numbers or wanted.numbers == type_.numbers
        return match(Signature("x", (wanted,), False, "x", "x"), [type_]) is not None and all(
            not is_variable(part) or bound.setdefault(part.name, inner) == inner
            for (_, part), (_, inner) in zip(wanted.parts, type_.parts, strict=True)
        )


def statements(seed: int, count: int) -> Iterator[str]:
    """Yield `count` different statements."""
    generator, seen = Generator(seed), set[str]()
    while len(seen) < count:
        try:
            made = generator.statement()
        except LookupError:  # no value of an argument's type
            continue
        if made not in seen:
            seen.add(made)
            yield made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=500)
    arguments = parser.parse_args()
    print("\n".join(statements(arguments.seed, arguments.count)))


if __name__ == "__main__":
    main()
