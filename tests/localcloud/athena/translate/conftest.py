"""A DuckDB database without a catalog: enough for queries that name no table."""

import base64
import importlib.util
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from localcloud.athena.dialect import parse
from localcloud.athena.engines.database import open_database
from localcloud.athena.engines.failures import as_athena
from localcloud.athena.errors import AthenaError
from localcloud.athena.translate.scope import Field
from localcloud.athena.translate.translator import translate
from localcloud.athena.types import Type
from localcloud.athena.values import texts

Asked = dict[str, Any]
Ask = Callable[[str], Asked]


class _NoTables:
    def find(self, database: str, name: str, version: Any) -> None:
        return None

    def has_database(self, name: str) -> bool:
        return True


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Return a function that runs a query: types and rows as in Trino's protocol, or the error's name."""
    with open_database(tmp_path_factory.mktemp("spill")) as database:

        def run(sql: str) -> Asked:
            connection = database.cursor()
            try:
                query = translate(parse(sql), _NoTables(), "default")
                with as_athena():
                    table = connection.execute(query.sql).to_arrow_table()
            except AthenaError as error:
                return {"error": error.code, "message": str(error)}
            finally:
                connection.close()
            columns = [
                _column(column, field) for column, field in zip(table.columns, query.fields, strict=True)
            ]
            rows = [list(row) for row in zip(*columns, strict=True)] if columns else []
            return {"types": [field.type.athena for field in query.fields], "rows": rows}

        yield run


@pytest.fixture(scope="session")
def generate() -> ModuleType:
    """Load the generator of random expressions, a program beside these tests."""
    file = Path(__file__).parent / "random_expressions.py"
    spec = importlib.util.spec_from_file_location("random_expressions", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["random_expressions"] = module
    spec.loader.exec_module(module)
    return module


def _column(column: pa.ChunkedArray, field: Field) -> list[Any]:
    if field.type.name.startswith("interval") or field.type.name == "ipaddress":
        return texts(column, field.type).to_pylist()
    return [_value(value, field.type, field.zone) for value in column.to_pylist()]


def _value(value: Any, type_: Type, zone: str = "UTC") -> Any:
    """Return a value as in the JSON of Trino's protocol."""
    if value is None:
        return None
    match type_.name:
        case "array":
            return [_value(one, type_.element) for one in value]
        case "map":
            key, element = (part for _, part in type_.parts)
            pairs = value.items() if isinstance(value, dict) else value
            return {str(_value(one, key)): _value(other, element) for one, other in pairs}
        case "row":
            return [_value(one, part) for one, (_, part) in zip(value.values(), type_.parts, strict=True)]
        case "timestamp":
            return _moment(value, type_.numbers[0])
        case "timestamp with time zone":
            there = ZoneInfo(zone) if zone[0] not in "+-" else None
            local = value.astimezone(there) if there else _offset(value, zone)
            return f"{_moment(local.replace(tzinfo=None), type_.numbers[0])} {zone}"
        case "varchar" | "char":
            return value
    return _plain(value, type_)


def _offset(value: datetime, zone: str) -> datetime:
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    shift = timedelta(hours=hours, minutes=minutes)
    return value + (shift if zone[0] == "+" else -shift)


def _plain(value: Any, type_: Type) -> Any:
    if type_.name == "real" and value == value and abs(value) != float("inf"):
        return float(pa.scalar(value, pa.float32()).cast(pa.string()).as_py())
    match value:
        case float() if value != value:
            return "NaN"
        case float() if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        case Decimal():
            return f"{value:f}"
        case bytes() if type_.name == "uuid":
            return str(UUID(bytes=value))
        case bytes():
            return base64.b64encode(value).decode()
        case date():
            return value.isoformat()
        case time():
            return _moment(datetime.combine(date(2000, 1, 1), value), type_.numbers[0])[11:]
    return value


def _moment(value: datetime, digits: int) -> str:
    text = value.isoformat(" ", "microseconds")
    return text[: 20 + digits].rstrip(".") if digits else text[:19]


_REFUSALS = ("FUNCTION_NOT_FOUND", "NOT_SUPPORTED")


@pytest.fixture(scope="session")
def verdict() -> Callable[[Asked, Asked], str]:
    """Return a function that compares an answer with Trino's: `equal`, `refused` by name, or `different`."""
    return _verdict


def _verdict(found: Asked, probe: Asked) -> str:
    if found.get("error") in _REFUSALS and found["error"] != probe.get("error"):
        return "refused"
    if "error" in found or "error" in probe:
        return "equal" if found.get("error") == probe.get("error") else "different"
    types = [_plain_type(text) for text in found["types"]] == [_plain_type(text) for text in probe["types"]]
    return "equal" if types and _close(found["rows"], probe["rows"]) else "different"


def _close(mine: Any, theirs: Any) -> bool:
    """Equal, except for the last digits of floating-point functions, which libraries round differently."""
    if isinstance(mine, float) and isinstance(theirs, float):
        return mine == theirs or abs(mine - theirs) <= 1e-14 * max(abs(mine), abs(theirs))
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        return all(_close(a, b) for a, b in zip(mine, theirs, strict=True))
    return type(mine) is type(theirs) and mine == theirs


def _plain_type(text: str) -> str:
    """Normalize a type name: Trino clients differ in spaces, and in the case of intervals."""
    return text.replace(" ", "").lower()
