"""The parser's view of a table, read from its ODCS contract."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa

from bronze.dialect import Dialect, problem
from bronze.errors import ContractError
from bronze.limits import DEFAULT_LIMITS, Limits
from bronze.located_yaml import Located, read
from bronze.schema import RESCUED, TECHNICAL, TYPES, arrow_schema, nested, normal_type

# Increase by one whenever the parser reads different rows from the same raw file, so that a replay by the new
# parser wins over the rows of the old one.
PARSER_REVISION = 4

PositionKind = Literal["lsn", "binlog", "number", "timestamp"]
UnknownKeys = Literal["freeze", "evolve", "discard"]
Absent = Literal["quarantine", "null"]
BeforeImage = Literal["optional", "required"]
# The format of JSON records: changes as written by AWS DMS or by Debezium, or plain rows.
Records = Literal["change", "debezium", "plain"]
# Defaults of a table's custom properties; `position` is required.
DEFAULTS: Mapping[str, object] = {
    "records": "change",
    "unknownKeys": "freeze",
    "absent": "quarantine",
    "beforeImage": "optional",
    "delimiter": ",",
    "quote": '"',
    "escape": "double",
    "header": True,
    "multiline": False,
    "maxBadRecords": 100,
    "maxBadRatio": 0.05,
    "maxLineBytes": DEFAULT_LIMITS.line_bytes,
    "maxInflatedBytes": DEFAULT_LIMITS.inflated_bytes,
    "maxInflationRatio": DEFAULT_LIMITS.ratio,
}
# Names reserved for the parser's own columns.
_KEPT = {RESCUED[0], *(name for name, _ in TECHNICAL)}
_DEFAULTS: Mapping[str, object] = {**DEFAULTS, "token": False}  # `token` belongs to columns


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `name` is its name in raw files, `stored` its name in the table (they differ with `rawName`).

    `type` is a Hive type. `token` adds a column `<stored>_token`; a timestamp has an extra `<stored>_us`.
    """

    name: str
    type: str
    required: bool
    token: bool
    stored: str

    @property
    def siblings(self) -> tuple[tuple[str, str], ...]:
        """Names and types of the columns that the parser derives from it.

        A timestamp has an exact one in microseconds, because Athena reads bronze timestamps only to the
        millisecond.
        """
        token = ((f"{self.stored}_token", "string"),) if self.token else ()
        exact = ((f"{self.stored}_us", "bigint"),) if self.type == "timestamp" else ()
        return (*token, *exact)


@dataclass(frozen=True, slots=True)
class BronzeContract:
    """One table: its columns and key, and the rules for its raw files.

    `key` has the names in raw files; `stored` maps these to the names in the table.
    """

    table: str
    version: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    position: PositionKind
    unknown_keys: UnknownKeys
    absent: Absent
    max_bad_records: int
    max_bad_ratio: float
    before_image: BeforeImage
    records: Records
    csv: Dialect
    limits: Limits

    def revision_at(self, rekeyed: int) -> int:
        """Return `_rev` of the rows, given how often the key of the table's tokens was changed.

        It orders by parser revision plus number of key changes first, then by the contract's version.
        """
        major, minor, patch = (int(part) for part in self.version.split("."))
        return (((PARSER_REVISION + rekeyed) * 1000 + major) * 1000 + minor) * 1000 + patch

    @property
    def stored(self) -> Mapping[str, str]:
        """Map names in raw files to names in the table."""
        return {column.name: column.stored for column in self.columns}

    @property
    def hive_columns(self) -> tuple[tuple[str, str], ...]:
        """Name and Hive type of every column of the bronze table, without its partition keys."""
        own: list[tuple[str, str]] = []
        for column in self.columns:
            own += [(column.stored, column.type), *column.siblings]
        rescued = (RESCUED,) if self.unknown_keys == "evolve" else ()
        return (*own, *rescued, *TECHNICAL)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of a bronze Parquet file."""
        return arrow_schema(self.hive_columns)


def load(path: Path) -> BronzeContract:
    """Read the bronze contract at `path`. Raises ContractError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContractError(str(path), None, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ContractError(str(path), None, f"is not UTF-8 at byte {error.start}") from error
    return loads(text, str(path))


def loads(text: str, name: str) -> BronzeContract:
    """Read a bronze contract from `text`; `name` is what errors call it. Raises ContractError."""
    document = read(text, name)
    if not isinstance(document, Located) or document.get("kind") != "DataContract":
        raise ContractError(
            name, None, "is not a data contract", hint="start it with `apiVersion:` and `kind: DataContract`"
        )
    objects = document.get("schema")
    if not isinstance(objects, list) or len(objects) != 1 or not isinstance(objects[0], Located):
        raise ContractError(name, document.line_of("schema"), "`schema` must hold exactly one table")
    return _Reader(name).contract(document, objects[0])


@dataclass(frozen=True, slots=True)
class _Reader:
    file: str

    def contract(self, document: Located, table: Located) -> BronzeContract:
        columns = self.columns(table)
        custom = self.custom(table)

        def choice(key: str, kind: object) -> Any:
            return custom.value(key, get_args(kind).__contains__, " or ".join(get_args(kind)))

        position, records = choice("position", PositionKind), choice("records", Records)
        if records == "debezium" and position != "lsn":
            raise ContractError(
                self.file,
                custom.line_of("position"),
                f"the custom property `position` is {position!r}, and `records` is 'debezium'",
                hint="set it to lsn: of Debezium's records those of its connector for PostgreSQL are read",
            )
        return BronzeContract(
            table=self.text(table, "name"),
            version=self.version(document),
            columns=columns,
            key=self.key(table, columns),
            position=position,
            unknown_keys=choice("unknownKeys", UnknownKeys),
            absent=choice("absent", Absent),
            max_bad_records=custom.value("maxBadRecords", _is_count, "a whole number from 0"),
            max_bad_ratio=custom.value("maxBadRatio", _is_ratio, "a number from 0 to 1"),
            before_image=choice("beforeImage", BeforeImage),
            records=records,
            csv=self.dialect(custom),
            limits=self.limits(custom),
        )

    def dialect(self, custom: "_Custom") -> Dialect:
        def character(key: str, none: str) -> str | None:
            written = str(custom.value(key, _is_text, f"one character, or {none}"))
            return None if written == none else written

        found = Dialect(
            delimiter=custom.value("delimiter", _is_text, "one character"),
            quote=character("quote", "none"),
            escape=character("escape", "double"),
            header=custom.value("header", _is_bool, "true or false"),
            multiline=custom.value("multiline", _is_bool, "true or false"),
        )
        if wrong := problem(found):
            key, wanted = wrong
            raise ContractError(self.file, custom.line_of(key), f"the custom property `{key}` {wanted}")
        return found

    def limits(self, custom: "_Custom") -> Limits:
        def cap(key: str) -> int:
            return int(custom.value(key, _is_cap, "a whole number from 1"))

        return replace(
            DEFAULT_LIMITS,
            line_bytes=cap("maxLineBytes"),
            inflated_bytes=cap("maxInflatedBytes"),
            ratio=cap("maxInflationRatio"),
        )

    def text(self, node: Located, key: str) -> str:
        value = node.get(key)
        if not isinstance(value, str) or not value:
            raise ContractError(self.file, node.line_of(key), f"`{key}` must be a text, not {value!r}")
        return value

    def version(self, document: Located) -> str:
        version = document.get("version")
        if not isinstance(version, str) or not re.fullmatch(
            r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){2}", version
        ):
            raise ContractError(
                self.file,
                document.line_of("version"),
                f"`version` must be major.minor.patch with parts below 1000, not {version!r}",
                hint="write it as text, for example `version: 1.0.0`",
            )
        return version

    def columns(self, table: Located) -> tuple[Column, ...]:
        properties = table.get("properties")
        if not isinstance(properties, list) or not properties:
            raise ContractError(self.file, table.line_of("properties"), "the table has no `properties`")
        columns = tuple(self.column(entry, table) for entry in properties)
        names = [name for c in columns for name in (c.stored, *(sibling for sibling, _ in c.siblings))]
        repeated = [name for name, count in Counter(map(str.lower, names)).items() if count > 1]
        if repeated:
            raise ContractError(
                self.file,
                table.line_of("properties"),
                f"the column `{repeated[0]}` is there twice",
                hint="the catalog does not tell upper from lower case, a token takes `<column>_token`, and a"
                " timestamp `<column>_us`",
            )
        if twice := [name for name, count in Counter(column.name for column in columns).items() if count > 1]:
            raise ContractError(
                self.file, table.line_of("properties"), f"two columns are called `{twice[0]}` in raw files"
            )
        return columns

    def column(self, entry: object, table: Located) -> Column:
        if not isinstance(entry, Located):
            raise ContractError(self.file, table.line_of("properties"), f"{entry!r} is not a column")
        name = self.text(entry, "name")
        if name.startswith("_"):
            raise ContractError(
                self.file, entry.line_of("name"), f"the column `{name}` takes a name that the parser keeps"
            )
        custom = self.custom(entry)
        raw = str(custom.value("rawName", _is_text, "a text")) if "rawName" in custom.entries else name
        if not raw or not raw.isprintable() or '"' in raw or "\\" in raw:
            raise ContractError(
                self.file,
                custom.line_of("rawName") if "rawName" in custom.entries else entry.line_of("name"),
                f"the column {raw!r} has a quote, a backslash or a control character in its name",
            )
        if raw in _KEPT:
            raise ContractError(
                self.file, custom.line_of("rawName"), f"`{raw}` is a name that the parser keeps"
            )
        hive_type = self.type(entry, name)
        token = custom.value("token", _is_bool, "true or false")
        if token and hive_type != "string":
            raise ContractError(
                self.file,
                custom.line_of("token"),
                f"the column `{name}` is {hive_type}; tokens are made of string",
            )
        required = entry.get("required", False)
        if not isinstance(required, bool):
            raise ContractError(
                self.file, entry.line_of("required"), f"`required` of `{name}` must be true or false"
            )
        return Column(raw, hive_type, required or _is_key(entry), token, name)

    def type(self, entry: Located, name: str) -> str:
        written = self.text(entry, "physicalType")
        hive_type = normal_type(written)
        if hive_type is None:
            raise ContractError(
                self.file,
                entry.line_of("physicalType"),
                f"the column `{name}` has the type `{written}`, which the parser cannot read",
                hint=f"it reads {', '.join(TYPES)}",
            )
        return hive_type

    def key(self, table: Located, columns: tuple[Column, ...]) -> tuple[str, ...]:
        """Return the key's columns by `primaryKeyPosition`; those without one follow in column order."""
        entries = [entry for entry in table["properties"] if _is_key(entry)]
        if not entries:
            raise ContractError(
                self.file,
                table.line_of("properties"),
                "no column is marked `primaryKey: true`",
                hint="a change record belongs to a key, so every table needs one",
            )

        def place(entry: Located) -> int:
            position = entry.get("primaryKeyPosition", len(columns))
            if not _is_count(position):
                raise ContractError(
                    self.file,
                    entry.line_of("primaryKeyPosition"),
                    "`primaryKeyPosition` must be a whole number",
                )
            return int(position)

        names = tuple(entry["name"] for entry in sorted(entries, key=place))
        raw = {column.stored: column.name for column in columns}
        for column in columns:
            inexact = column.type in ("binary", "float", "double") or nested(column.type)
            if column.stored in names and inexact:
                raise ContractError(
                    self.file,
                    table.line_of("properties"),
                    f"the key column `{column.stored}` is {column.type}; a key is made of plain, exact"
                    " values",
                    hint="two numbers that are rounded to one would be one key: say decimal(p,s) or string",
                )
        return tuple(raw[name] for name in names)

    def custom(self, node: Located) -> "_Custom":
        """The `customProperties` of `node`."""
        entries = node.get("customProperties") or []
        if not isinstance(entries, list) or not all(
            isinstance(e, Located) and "property" in e for e in entries
        ):
            raise ContractError(
                self.file,
                node.line_of("customProperties"),
                "`customProperties` must be a list of `property` and `value`",
            )
        return _Custom(self.file, node, {entry["property"]: entry for entry in entries})


@dataclass(frozen=True, slots=True)
class _Custom:
    file: str
    owner: Located
    entries: dict[str, Located]

    def line_of(self, key: str) -> int:
        entry = self.entries.get(key)
        return self.owner.line if entry is None else entry.line_of("value")

    def value(self, key: str, allowed: Callable[[Any], bool], wanted: str) -> Any:
        entry = self.entries.get(key)
        value = _DEFAULTS.get(key) if entry is None else entry.get("value")
        if value is None or not allowed(value):
            problem = "is missing" if entry is None else f"is {value!r}"
            raise ContractError(
                self.file,
                self.line_of(key),
                f"the custom property `{key}` {problem}",
                hint=f"set it to {wanted}",
            )
        return value


def _is_key(entry: Located) -> bool:
    return entry.get("primaryKey") is True


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_cap(value: object) -> bool:
    return _is_count(value) and value != 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_ratio(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
