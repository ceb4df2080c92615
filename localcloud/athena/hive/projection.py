"""Partition projection: a table's properties define its partitions, whatever Glue contains.

The rules are those of Athena's user guide, "Use partition projection with Amazon Athena". We do not
enumerate the projected partitions: a table with one per minute has five million in ten years, and few contain
objects. Instead we list the objects below the table's location and match each address to the properties.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from localcloud.athena.catalog import Table
from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.objects import folder
from localcloud.athena.translate.reads import Filter

_PLACE = re.compile(r"\$\{([^}]+)\}")
_NOW = re.compile(r"NOW\s*(?:([+-])\s*([0-9]+)\s*(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?)?", re.IGNORECASE)
_MONTHS = {"years": 12, "months": 1}
_UNITS = (*_MONTHS, "weeks", "days", "hours", "minutes", "seconds")
# A run of one letter, a quoted text, or characters that stand for themselves.
_FORMAT = re.compile(r"([A-Za-z])\1*|'[^']*'|[^A-Za-z']+")
_TWO, _ONE = "[0-9]{2}", "(?:0|[1-9][0-9]?)"
# For each run of letters in a date format: its regular expression, its strptime directive and its unit.
_LETTERS: dict[str, tuple[str, str, str]] = {
    "yyyy": ("[0-9]{4}", "%Y", "years"),
    "uuuu": ("[0-9]{4}", "%Y", "years"),
    "yy": (_TWO, "%y", "years"),
    "MMM": ("[A-Za-z]{3}", "%b", "months"),
    "MM": (_TWO, "%m", "months"),
    "M": (_ONE, "%m", "months"),
    "DDD": ("[0-9]{3}", "%j", "days"),
    "dd": (_TWO, "%d", "days"),
    "d": (_ONE, "%d", "days"),
    "HH": (_TWO, "%H", "hours"),
    "H": (_ONE, "%H", "hours"),
    "mm": (_TWO, "%M", "minutes"),
    "ss": (_TWO, "%S", "seconds"),
}


@dataclass(frozen=True, slots=True)
class Values:
    """The possible values of a partition key: a regular expression, and a test of a matching text."""

    pattern: str
    has: Callable[[str], bool]


def listed(texts: Sequence[str]) -> Values:
    """`enum`; also `injected`, with the values that the query asks for."""
    return Values("|".join(map(re.escape, texts)), lambda text: text in texts)


def integers(first: int, last: int, interval: int, digits: int) -> Values:
    """`integer`: from `first` to `last` in steps of `interval`, padded to `digits` digits unless 0."""

    def has(text: str) -> bool:
        number = int(text)
        in_range = first <= number <= last and (number - first) % interval == 0
        return in_range and text == f"{number:0{digits}d}"

    return Values("-?[0-9]+", has)


def dates(first: datetime, last: datetime, interval: int, unit: str, written: "_Written") -> Values:
    """`date`: from `first` to `last` in steps of `interval` units."""

    def has(text: str) -> bool:
        try:
            moment = datetime.strptime(text, written.parsed)
        except ValueError:
            return False
        if not first <= moment <= last:
            return False
        if unit in _MONTHS:
            months = (moment.year - first.year) * 12 + moment.month - first.month
            apart = months % (interval * _MONTHS[unit]) == 0
            return apart and _later(first, months, "months") == moment
        return not (moment - first) % timedelta(**{unit: interval})

    return Values(written.pattern, has)


@dataclass(frozen=True, slots=True)
class Projection:
    """Where the objects of a table are, below `root`, and the partition values that addresses may contain."""

    root: str
    address: re.Pattern[str]
    keys: tuple[tuple[str, Values], ...]

    def values(self, uri: str) -> tuple[str, ...] | None:
        """Return the values of the partition that the object `uri` is in; None when it is in none."""
        found = self.address.match(uri)
        if found is None:
            return None
        texts = tuple(found[f"k{at}"] for at in range(len(self.keys)))
        return texts if all(one.has(text) for (_, one), text in zip(self.keys, texts, strict=True)) else None


def is_projected(table: Table) -> bool:
    """Whether a table's properties define its partitions."""
    return table.parameters.get("projection.enabled", "").strip().lower() == "true"


def projection(table: Table, filters: Sequence[Filter], now: Callable[[], datetime]) -> Projection | None:
    """Return the projection of `table`; None when it has none. `now` is in UTC, without a zone.

    Raises INVALID_TABLE_PROPERTY for invalid properties, and CONSTRAINT_VIOLATION when the query does not say
    which values of an injected key it wants.
    """
    if not is_projected(table):
        return None
    given = _Given(table, now())
    names = [key.name.lower() for key in table.partition_keys]
    missing = [name for name in names if f"projection.{name}.type" not in table.parameters]
    if missing:
        raise _invalid(
            f"Table {table.database}.{table.name} is configured for partition projection, but the following"
            f" partition columns are missing projection configuration: [{', '.join(missing)}]"
        )
    keys = tuple((name, given.values(name, filters)) for name in names)
    template = given.template(names)
    return Projection(
        root=folder(template[: template.index("${")].rpartition("/")[0]),
        address=re.compile("".join(_address(template, dict(keys), names))),
        keys=keys,
    )


def _address(template: str, keys: Mapping[str, Values], names: Sequence[str]) -> Iterator[str]:
    """Yield the regular expression of an object's address in pieces; a repeated key must match the same."""
    seen: set[str] = set()
    for at, piece in enumerate(_PLACE.split(template)):
        if at % 2 == 0:
            yield re.escape(piece)
        elif piece in seen:
            yield f"(?P=k{names.index(piece)})"
        else:
            seen.add(piece)
            yield f"(?P<k{names.index(piece)}>{keys[piece].pattern})"


@dataclass(frozen=True, slots=True)
class _Given:
    """The projection properties of a table."""

    table: Table
    now: datetime

    def values(self, name: str, filters: Sequence[Filter]) -> Values:
        match self.required(name, "type").lower():
            case "enum":
                return listed(tuple(self.table.parameters.get(f"projection.{name}.values", "").split(",")))
            case "integer":
                first, last = self.range(name)
                if not all(re.fullmatch("[+-]?[0-9]+", one) for one in (first, last)):
                    raise _invalid(f"projection.{name}.range must be integers, and is {first},{last}")
                interval, digits = self.count(name, "interval", 1), self.count(name, "digits", 0)
                return integers(int(first), int(last), interval, digits)
            case "date":
                return self.dates(name)
            case "injected":
                return listed(_asked(name, filters))
            case other:
                raise _invalid(f"Unknown projection type for column {name}: {other}")

    def dates(self, name: str) -> Values:
        written = _written(self.required(name, "format"))
        unit = self.optional(name, "interval.unit").lower() or written.finest
        unit = unit if unit.endswith("s") else f"{unit}s"
        is_given = self.optional(name, "interval") and self.optional(name, "interval.unit")
        if unit not in _UNITS or not (is_given or written.finest in ("days", "months")):
            raise _invalid(f"projection.{name}.interval and interval.unit must say how far apart values are")
        first, last = (self.moment(one, written, name) for one in self.range(name))
        # NOW has seconds; the values may not.
        return dates(_whole(first, written.finest), last, self.count(name, "interval", 1), unit, written)

    def moment(self, text: str, written: "_Written", name: str) -> datetime:
        if now := _NOW.fullmatch(text):
            sign, count, unit = now.groups()
            return _later(self.now, int(f"{sign}{count}"), f"{unit.lower()}s") if unit else self.now
        try:
            return datetime.strptime(text, written.parsed)
        except ValueError as error:
            raise _invalid(f"projection.{name}.range has {text}, which is not of its format") from error

    def range(self, name: str) -> tuple[str, str]:
        first, comma, last = self.required(name, "range").partition(",")
        if not comma or "," in last:
            raise _invalid(f"projection.{name}.range must be two values, with a comma between")
        return first.strip(), last.strip()

    def count(self, name: str, what: str, default: int) -> int:
        text = self.optional(name, what)
        if text and not (text.isdecimal() and int(text)):
            raise _invalid(f"projection.{name}.{what} must be a positive integer, and is {text}")
        return int(text) if text else default

    def optional(self, name: str, what: str) -> str:
        return self.table.parameters.get(f"projection.{name}.{what}", "").strip()

    def required(self, name: str, what: str) -> str:
        text = self.optional(name, what)
        if not text:
            raise _invalid(f"projection.{name}.{what} is missing")
        return text

    def template(self, names: Sequence[str]) -> str:
        """Return the address of a partition's folder, with placeholders `${name}` for its values."""
        hive = folder(self.table.location) + "/".join(f"{name}=${{{name}}}" for name in names)
        template = folder(self.table.parameters.get("storage.location.template", "").strip() or hive)
        if set(_PLACE.findall(template)) != set(names):
            raise _invalid(f"storage.location.template must have placeholders for {', '.join(names)}")
        return template


def _asked(name: str, filters: Sequence[Filter]) -> tuple[str, ...]:
    for filter_ in filters:
        if filter_.column == name and filter_.op in ("=", "in"):
            return tuple(str(value) for value in filter_.values)
    raise AthenaError(
        "CONSTRAINT_VIOLATION",
        f"For the injected projected partition column {name}, the WHERE clause must contain only static"
        " equality conditions, and at least one such condition must be present.",
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """How dates are written: as a regular expression, as a strptime format, and their finest unit."""

    pattern: str
    parsed: str
    finest: str


def _written(text: str) -> _Written:
    """Parse a Java date format."""
    pattern, parsed, units = "", "", []
    for found in _FORMAT.finditer(text):
        piece = found[0]
        if found[1] is None:
            plain = piece.strip("'")
            pattern, parsed = pattern + re.escape(plain), parsed + plain.replace("%", "%%")
            continue
        if piece not in _LETTERS:
            raise not_supported(f"{piece} in the format of a projected date in the local cloud")
        look, directive, unit = _LETTERS[piece]
        pattern, parsed = pattern + look, parsed + directive
        units.append(unit)
    if not units:
        raise _invalid(f"{text} is not a date format")
    return _Written(pattern, parsed, max(units, key=_UNITS.index))


def _later(moment: datetime, count: int, unit: str) -> datetime:
    if unit not in _MONTHS:
        return moment + timedelta(**{unit: count})
    month = moment.year * 12 + moment.month - 1 + count * _MONTHS[unit]
    year, month = month // 12, month % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def _whole(moment: datetime, finest: str) -> datetime:
    """Round down to the start of the unit."""
    kept = ("years", "months", "days", "hours", "minutes", "seconds").index(finest) + 1
    year, month, day, hour, minute, second = (*moment.timetuple()[:kept], *(1, 1, 1, 0, 0, 0)[kept:])
    return datetime(year, month, day, hour, minute, second)


def _invalid(message: str) -> AthenaError:
    return AthenaError("INVALID_TABLE_PROPERTY", message)


def utc_now() -> datetime:
    """The present time in UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)
