"""Read the columns of a model from its last select, which by a rule of this project names and casts each."""

import re
from collections.abc import Iterator

from control.contracts import hive
from control.errors import DataError

# A string or a quoted name, which is kept, or a comment.
_COMMENT = re.compile(r"""('(?:[^']|'')*'|"[^"]*")|\{#.*?#\}|/\*.*?\*/|--[^\n]*""", re.DOTALL)
_SELECT = re.compile(r"^select\b", re.MULTILINE | re.IGNORECASE)
# Parts whose commas and keywords do not count: strings, templates and quoted names.
_PART = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\{\{.*?\}\}|\{%.*?%\}|\bfrom\b|.", re.DOTALL | re.IGNORECASE)
_CAST = re.compile(r"cast\s*\((?:.*)\bas\s+([a-z].*)\)\s+as\s+(\w+)", re.DOTALL | re.IGNORECASE)
_SCALARS = {"varchar": "string", "integer": "int", "real": "float", "varbinary": "binary"}


def columns(sql: str, model: str) -> list[tuple[str, str]]:
    """Return the name and Hive type of each column that the last select of a model's template casts.

    Raises DataError when there is no such select, or when an item of it is not a cast with a name.
    """
    text = _COMMENT.sub(lambda found: found[1] or "", sql)
    selects = list(_SELECT.finditer(text))
    if not selects:
        raise DataError(f"{model} has no select at the start of a line", hint="let it end in one")
    return [_column(item, model) for item in _items(text[selects[-1].end() :])]


def _items(text: str) -> Iterator[str]:
    """Yield the items of a select list: split at the commas, up to the `from`, outside brackets."""
    depth, item = 0, ""
    for part in _PART.findall(text):
        depth += (part == "(") - (part == ")")
        if depth == 0 and part.lower() == "from":
            break
        if depth == 0 and part == ",":
            yield item.strip()
            item = ""
        else:
            item += part
    yield item.strip()


def _column(item: str, model: str) -> tuple[str, str]:
    found = _CAST.fullmatch(item)
    kind = hive_type(found[1]) if found else ""
    if found is None or hive.problem(kind):
        raise DataError(
            f"the last select of {model} has {' '.join(item.split())!r}, which states no name and type",
            hint="write every column as cast(… as bigint) as name",
        )
    return found[2], kind


def hive_type(text: str) -> str:
    """Convert a type of Athena's SQL, `row(a bigint)`, to the notation of contracts, `struct<a:bigint>`."""
    name, _, inner = " ".join(text.lower().split()).partition("(")
    name, parts = name.strip(), [part.strip() for part in hive.split(inner.rpartition(")")[0])]
    if name == "row":
        fields = (part.partition(" ") for part in parts)
        return f"struct<{','.join(f'{field.strip(chr(34))}:{hive_type(of)}' for field, _, of in fields)}>"
    if name in ("array", "map"):
        return f"{name}<{','.join(hive_type(part) for part in parts)}>"
    if name == "timestamp" or not inner:
        return _SCALARS.get(name, name)
    return f"{name}({','.join(parts)})"
