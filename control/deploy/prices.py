"""The fixed monthly costs of an environment, from a table of prices, each with a source and a date."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from control.deploy import conditions
from control.deploy.template import Template
from control.errors import NotFoundError, UsageError

HOURS_A_MONTH = 730.0


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per month or hour for one unit of a type of resource."""

    what: str
    type: str
    dollars: float
    unit: str
    source: str
    seen: date
    times: str = "1"
    above: tuple[tuple[str, float], ...] = ()
    each: str = ""

    def monthly(self, values: Mapping[str, str]) -> float:
        """Return the dollars a month for one resource, given the parameter values."""
        if any(float(values[name]) <= bound for name, bound in self.above):
            return 0.0
        count = float(values.get(self.times, self.times))
        return self.dollars * count * (HOURS_A_MONTH if self.unit == "hour" else 1.0)


@dataclass(frozen=True, slots=True)
class Prices:
    """The price table."""

    known: tuple[Price, ...]
    free: frozenset[str]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an estimate; `dollars` is None if there is no estimate."""

    stack: str
    what: str
    count: int
    dollars: float | None
    source: str = ""


def read(file: Path) -> Prices:
    """Read the price table in a file. Raises NotFoundError, UsageError."""
    try:
        content = yaml.safe_load(file.read_text())
        return Prices(tuple(map(_price, content["prices"])), frozenset(content["free"]))
    except FileNotFoundError:
        raise NotFoundError(f"{file} does not exist", hint="name the folder with --infra") from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{file} is not a price table: {error!r}") from None


def estimate(templates: Iterable[Template], values: Mapping[str, str], prices: Prices) -> tuple[Line, ...]:
    """Return a line for each price that applies to a stack, and one for each type without a price."""
    lines = []
    for template in templates:
        made: dict[str, list[Mapping[str, Any]]] = {}
        for one in conditions.made(template, values).values():
            made.setdefault(one["Type"], []).append(one)
        for type_name, resources in sorted(made.items()):
            priced = [price for price in prices.known if price.type == type_name]
            lines += [
                Line(template.name, price.what, count, round(price.monthly(values) * count, 2), price.source)
                for price in priced
                if price.monthly(values)
                for count in [sum(_paid(one, price.each) for one in resources)]
            ]
            if not priced and type_name not in prices.free:
                lines.append(Line(template.name, type_name, len(resources), None))
    return tuple(lines)


def total(lines: Iterable[Line]) -> float:
    """Return the sum of the estimates, in dollars a month."""
    return round(sum(line.dollars or 0.0 for line in lines), 2)


def _paid(resource: Mapping[str, Any], each: str) -> int:
    return max(1, _occurrences(resource, each)) if each else 1


def _occurrences(part: object, key: str) -> int:
    if isinstance(part, Mapping):
        return (key in part) + sum(_occurrences(one, key) for one in part.values())
    return sum(_occurrences(one, key) for one in part) if isinstance(part, list) else 0


def _price(raw: Mapping[str, Any]) -> Price:
    return Price(
        what=raw["what"],
        type=raw["type"],
        dollars=float(raw["dollars"]),
        unit={"month": "month", "hour": "hour"}[raw["unit"]],
        source=raw["source"],
        seen=date.fromisoformat(raw["seen"]),
        times=str(raw.get("times", "1")),
        above=tuple((name, float(bound)) for name, bound in raw.get("above", {}).items()),
        each=raw.get("each", ""),
    )
