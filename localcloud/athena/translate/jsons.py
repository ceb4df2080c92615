"""Convert other values to JSON values, which are kept as text."""

import json
import re

from localcloud.athena.translate import zones
from localcloud.athena.translate.terms import VARCHAR, decimal, raw_cast, text
from localcloud.athena.types import Type, walk

_PLAIN = ("boolean", "tinyint", "smallint", "integer", "bigint")
_TEXTS = ("varchar", "char")
_KEYS = (*_PLAIN, "real", "double", "decimal", "varchar", "unknown")
_COMMA = " || ',' || "
_PLAIN_ZEROS = 6


_ESCAPED = re.compile(r"\\u00[01][0-9a-f]|[\U00010000-\U0010ffff]")


def quoted(key: str) -> str:
    """Return a text as a JSON string, escaped as Jackson does."""
    return _ESCAPED.sub(_escape, json.dumps(key, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    if len(match[0]) > 1:
        return "\\u" + match[0][2:].upper()
    units = match[0].encode("utf-16-be").hex().upper()
    return f"\\u{units[:4]}\\u{units[4:]}"


def can_become(source: Type) -> bool:
    """Whether CAST converts the type to JSON; functions that write JSON accept more types."""
    keys = (part.parts[0][1].name for part in walk(source) if part.name == "map")
    named = all(part.name not in ("char", "timestamp with time zone") for part in walk(source))
    return named and all(key in _KEYS for key in keys)


def from_value(sql: str, source: Type, zone: str, depth: int = 0) -> str | None:
    """Return a value as JSON text; None when its type has no JSON form."""
    if source.name == "json":
        return sql
    if source.name == "unknown":
        return "CAST(NULL AS VARCHAR)"
    if source.parts:
        made = _nested(sql, source, zone, depth)
        return None if made is None else f"CASE WHEN {sql} IS NULL THEN NULL ELSE {made} END"
    if source.name == "decimal":
        return number(sql, source)
    if source.name in ("double", "real"):
        return f"athena_json_{source.name}({sql})"
    if source.name in _PLAIN:
        return f"CAST(to_json({sql}) AS VARCHAR)"
    if source.name in _TEXTS:
        return f"athena_json_text({sql})"
    if source.name == "date":
        return f"CAST(to_json(CAST({sql} AS VARCHAR)) AS VARCHAR)"
    if source.name == "timestamp":
        return f"CAST(to_json(athena_timestamp_text({sql}, {source.numbers[0]})) AS VARCHAR)"
    if source.name == "timestamp with time zone":
        shown = f"athena_timestamp_text({zones.at(sql, zone)}, {source.numbers[0]}) || {text(' ' + zone)}"
        return f"CAST(to_json({shown}) AS VARCHAR)"
    return None


def number(sql: str, type_: Type) -> str:
    """Return a decimal as Java prints it: as `1E-9` rather than with seven leading zeros."""
    precision, scale = type_.numbers  # DuckDB omits the zero before the point if precision equals scale
    shown = raw_cast(raw_cast(sql, decimal(max(precision, min(scale + 1, 38)), scale)), VARCHAR)
    return f"athena_java_decimal({shown}, {scale})" if scale > _PLAIN_ZEROS else shown


def _nested(sql: str, source: Type, zone: str, depth: int) -> str | None:
    x = f"x{depth}"
    if source.name == "array":
        part = from_value(x, source.element, zone, depth + 1)
        if part is None:
            return None
        items = f"list_transform({sql}, lambda {x}: coalesce({part}, 'null'))"
        return f"'[' || array_to_string({items}, ',') || ']'"
    if source.name == "map":
        part = from_value(f"{x}.value", source.element, zone, depth + 1)
        if part is None:
            return None
        pair = f"athena_json_text(CAST({x}.key AS VARCHAR)) || ':' || coalesce({part}, 'null')"
        pairs = f"list_sort(list_transform(map_entries({sql}), lambda {x}: {pair}))"
        return f"'{{' || array_to_string({pairs}, ',') || '}}'"
    fields = []
    for at, (name, type_) in enumerate(source.parts, 1):
        part = from_value(f"struct_extract_at({sql}, {at})", type_, zone, depth)
        if part is None:
            return None
        fields.append(f"{text(quoted(name) + ':')} || coalesce({part}, 'null')")
    return f"'{{' || {_COMMA.join(fields)} || '}}'"
