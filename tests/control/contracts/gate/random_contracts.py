"""Random contracts: a bronze table or a gold table with random columns, types and rules.

Everything else in a contract (owner, servers, service levels) comes from `base/`.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal

import yaml

from bronze import contract as parser
from bronze.errors import ContractError
from control.contracts import expression, hive, quality

HERE = Path(__file__).parent
Layer = Literal["bronze", "gold"]
FILES: dict[Layer, str] = {"bronze": "bronze/order.yaml", "gold": "gold/sales_by_month.yaml"}
NAMES = tuple("abcdefgh")
FRESH = tuple(f"n{number}" for number in range(40))
WORDS = ("", "a", "ab", "abc", "open", "paid", "lost", "new", "x1", "abcdefgh", "a\nb", "Ä b", '5" pipe')


def _decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)


_WHOLE = (-2, -1, 0, 1, 2, 3, 4, 7)
_REAL = (-1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 7.0)
_CENTS = _decimals(*(f"{number:.2f}" for number in _REAL), "999.99")
DAYS = tuple(date(2024, 4, 28) + timedelta(days=number) for number in range(8))
MOMENTS = tuple(datetime(2024, 4, 30) + timedelta(hours=3 * number) for number in range(32))
# Values of each type outside, on and between all bounds that are drawn below.
VALUES: dict[str, tuple[Any, ...]] = {
    "int": (*_WHOLE, 2**31 - 1), "bigint": (*_WHOLE, 2**40), "float": _REAL, "double": (*_REAL, 1e300),
    "decimal(5,2)": _CENTS, "decimal(10,2)": (*_CENTS, Decimal("12345678.90")),
    "decimal(5,0)": _decimals(*map(str, _WHOLE)), "decimal(10,4)": (*_CENTS, Decimal("0.0001")),
    "boolean": (True, False), "date": DAYS, "timestamp": MOMENTS, "string": (*WORDS, "abcdefghi"),
    "varchar(4)": tuple(word for word in WORDS if len(word) <= 4),
    "varchar(8)": WORDS, "char(4)": tuple(word for word in WORDS if len(word) <= 4), "char(8)": WORDS,
    "array<int>": ([], [1, 2]), "array<bigint>": ([], [1, 2**40]), "array<string>": ([], ["a"]),
    "array<decimal(5,2)>": ([],), "array<decimal(10,2)>": ([],),
    "map<string,int>": ({}, {"k": 1}), "map<string,bigint>": ({}, {"k": 2**40}),
    "struct<a:int,b:string>": ({"a": 1, "b": "x"},), "struct<a:int>": ({"a": 1},),
    "struct<b:string,a:int>": ({"a": 1, "b": "x"},),
    "struct<a:bigint,b:string>": ({"a": 2**40, "b": "x"},),
    "struct<a:int,b:string,c:date>": ({"a": 1, "b": "x", "c": date(2024, 5, 1)},),
}  # fmt: skip
KEYS = ("int", "bigint", "decimal(5,0)", "date", "string")
KINDS: dict[Layer, tuple[str, ...]] = {
    "bronze": tuple(kind for kind in VALUES if "char" not in kind),
    "gold": (*VALUES, *("int", "decimal(5,2)", "decimal(10,4)", "string", "varchar(8)", "char(8)") * 3),
}  # fmt: skip
BOUNDS: dict[str, tuple[Any, ...]] = {
    "integer": (0, 1, 2, 3, 0.5, 2.0), "number": (0, 1, 2, 0.5, 2.0),
    "date": ("2024-04-30", "2024-05-01", "2024-05-02", "2024-05-03"),
    "timestamp": tuple(
        f"2024-05-{day}T{hour}:00:00{zone}" for day in ("01", "02") for hour in ("00", "06")
        for zone in ("", "Z", "+06:00", "-06:00")
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """A contract under construction: `data` has the form of its file."""

    layer: Layer
    data: dict[str, Any]

    @property
    def table(self) -> dict[str, Any]:
        return self.data["schema"][0]

    @property
    def columns(self) -> list[dict[str, Any]]:
        return self.table["properties"]

    @property
    def names(self) -> list[str]:
        return [column["name"] for column in self.columns]

    @property
    def key(self) -> list[str]:
        parts = [column for column in self.columns if column.get("primaryKey")]
        return [column["name"] for column in sorted(parts, key=lambda one: one["primaryKeyPosition"])]

    @property
    def groups(self) -> list[set[str]]:
        """Return the sets of columns that are unique together: the key, and those of rules."""
        rules = [one for one in self.table.get("quality", []) if one.get("metric") == "duplicateValues"]
        alone = [{one["name"]} for one in self.columns if one.get("unique")]
        return [set(self.key), *alone, *(set(one["arguments"]["properties"]) for one in rules)]

    def copy(self) -> "Draft":
        return Draft(self.layer, copy.deepcopy(self.data))


@cache
def _template(layer: Layer) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((HERE / "base" / FILES[layer]).read_text(), Loader=yaml.CSafeLoader)
    return found


def draft(chance: Random, layer: Layer) -> Draft:
    """Draw a contract of two to six columns."""
    made = Draft(layer, copy.deepcopy(_template(layer)))
    names = list(NAMES[: chance.randint(2, 6)])
    parts = names[: chance.choice((1, 1, 2))]
    made.table["properties"] = [
        column(chance, name, layer, KEYS if name in parts else KINDS[layer]) for name in names
    ]
    for place, one in enumerate(made.columns[: len(parts)], 1):
        # Without rules, so that there is always another possible key.
        one |= {"required": True, "primaryKey": True, "primaryKeyPosition": place}
        one.pop("logicalTypeOptions", None)
        one.pop("quality", None)
    chance.shuffle(made.columns)
    if chance.random() < 0.3:
        chance.shuffle(made.data["servers"])
    return made


def column(chance: Random, name: str, layer: Layer, kinds: Sequence[str]) -> dict[str, Any]:
    kind = chance.choice(kinds)
    logical = chance.choice(hive.logical_types(kind))
    found = {
        "name": name, "logicalType": logical, "physicalType": kind, "description": f"The {name}.",
        "classification": chance.choice(("public", "public", "internal", "pseudonym")),
    }  # fmt: skip
    if chance.random() < 0.4:
        found["required"] = True
    if layer == "gold" and chance.random() < 0.6:
        rule(chance, found)
    return found


def rule(chance: Random, on: dict[str, Any]) -> None:
    """Give the column a random rule that suits its type, replacing one of the same kind."""
    logical = on["logicalType"]
    if logical in BOUNDS:
        names = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
        on["logicalTypeOptions"] = {
            name: chance.choice(BOUNDS[logical]) for name in chance.sample(names, chance.choice((1, 1, 2)))
        }
    elif logical == "string" and on["physicalType"] != "binary":
        chance.choice((_lengths, _pattern, _listed))(chance, on)


def _lengths(chance: Random, on: dict[str, Any]) -> None:
    names = chance.sample(("minLength", "maxLength"), chance.choice((1, 1, 2)))
    on.setdefault("logicalTypeOptions", {}).update({name: chance.choice((0, 1, 2, 3, 5)) for name in names})


def _pattern(chance: Random, on: dict[str, Any]) -> None:
    on.setdefault("logicalTypeOptions", {})["pattern"] = chance.choice(("^[a-z]+$", "^a", "a|o"))


def _listed(chance: Random, on: dict[str, Any]) -> None:
    words = chance.sample(("open", "paid", "lost", "ab", ""), chance.randint(1, 4))
    rules = [one for one in on.get("quality", []) if one.get("metric") != "invalidValues"]
    listed = {"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": words}}
    on["quality"] = [*rules, {"name": "known", **listed}]


def dumped(data: dict[str, Any]) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def is_valid(made: Draft) -> bool:
    """Return whether lint would accept the contract, as far as random edits can break it."""
    columns = made.columns
    keyed = [column for column in columns if column.get("primaryKey")]
    places = sorted(column["primaryKeyPosition"] for column in keyed)
    checks: tuple[Callable[[], bool], ...] = (
        lambda: 1 < len(columns) == len(set(made.names)),
        lambda: bool(keyed) and places == list(range(1, len(keyed) + 1)),
        lambda: all(column.get("required") and column["physicalType"] in KEYS for column in keyed),
        lambda: all(
            column["logicalType"] in hive.logical_types(column["physicalType"]) for column in columns
        ),
        lambda: _parses(made.data) if made.layer == "bronze" else _is_checked(made),
    )
    return all(check() for check in checks)


def _parses(data: dict[str, Any]) -> bool:
    try:
        parser.loads(dumped(data), "order.yaml")
    except ContractError:
        return False
    return True


def _is_checked(made: Draft) -> bool:
    found = [quality.of_table(made.table, ()), *(quality.of_column(column, ()) for column in made.columns)]
    checks = [check for rules in found for check in rules.checks]
    names = {name for check in checks for name in expression.columns(check.expression)}
    names |= {name for rules in found for group in rules.unique for name in group}
    numbers = {one["name"] for one in made.columns if one["logicalType"] in ("integer", "number")}
    compared = {name for check in found[0].checks for name in expression.columns(check.expression)}
    return (
        compared <= numbers
        and not any(rules.problems for rules in found)
        and len({check.name for check in checks}) == len(checks)
        and names <= set(made.names)
    )
