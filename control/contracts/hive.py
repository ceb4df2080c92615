"""The column types of Athena, Hive and Iceberg, as texts such as `decimal(6,4)` or `array<string>`."""

import re

# Hive's primitive types and the ODCS logical types that may stand for them.
LOGICAL: dict[str, tuple[str, ...]] = {
    "tinyint": ("integer",),
    "smallint": ("integer",),
    "int": ("integer",),
    "bigint": ("integer",),
    "float": ("number",),
    "double": ("number",),
    "decimal": ("number", "integer"),
    "string": ("string",),
    "varchar": ("string",),
    "char": ("string",),
    "boolean": ("boolean",),
    "date": ("date",),
    "timestamp": ("timestamp",),
    "binary": ("string",),
    "array": ("array",),
    "map": ("object",),
    "struct": ("object",),
}
# Names that other systems use, and what they are called here.
ALIASES = {
    "integer": "int", "long": "bigint", "text": "string", "number": "decimal(p,s)", "numeric": "decimal(p,s)",
    "real": "float", "bool": "boolean", "datetime": "timestamp", "varbinary": "binary", "json": "string",
}  # fmt: skip


def problem(text: str) -> str:
    """Return what is wrong with `text` as a type, and what to write instead; empty if nothing is."""
    if not text:
        return "no type: give physicalType, for example bigint"
    name = re.split(r"[(<]", text, maxsplit=1)[0]
    if name.lower() in ALIASES:
        return f"unknown type {text!r}: write {ALIASES[name.lower()]}"
    if name not in LOGICAL:
        return f"unknown type {text!r}: use one of {', '.join(LOGICAL)}, in lower case"
    arguments = text[len(name) :]
    if name == "decimal":
        return _decimal_problem(text, arguments)
    if name in ("varchar", "char"):
        ok = re.fullmatch(r"\([1-9][0-9]{0,4}\)", arguments)
        return "" if ok else f"{text!r} needs a length: write {name}(20), or string"
    if name in ("array", "map", "struct"):
        return _nested_problem(name, text, arguments)
    return f"{text!r}: {name} takes no arguments" if arguments else ""


def logical_types(text: str) -> tuple[str, ...]:
    """Return the ODCS logical types that fit the type `text`."""
    return LOGICAL.get(re.split(r"[(<]", text, maxsplit=1)[0], ())


def _decimal_problem(text: str, arguments: str) -> str:
    found = re.fullmatch(r"\(([1-9][0-9]?),([0-9]{1,2})\)", arguments)
    if not found:
        return f"{text!r} needs precision and scale: write for example decimal(6,4), without spaces"
    precision, scale = int(found[1]), int(found[2])
    if precision > 38 or scale > precision:
        return f"{text!r}: precision is at most 38 and scale at most the precision"
    return ""


def _nested_problem(name: str, text: str, arguments: str) -> str:
    if not (arguments.startswith("<") and arguments.endswith(">")):
        return f"{text!r} needs its inner types: write array<string>, map<string,bigint> or struct<a:bigint>"
    parts = split(arguments[1:-1])
    if name == "struct":
        if not all(re.match(r"[a-z_][a-z0-9_]*:", part) for part in parts):
            return f"{text!r}: each field is name:type, in lower case"
        parts = [part.split(":", 1)[1] for part in parts]
    wanted = {"array": 1, "map": 2}.get(name, len(parts))
    if len(parts) != wanted or not parts:
        return f"{text!r}: {name} takes {wanted} inner type{'s' if wanted > 1 else ''}"
    return next((found for part in parts if (found := problem(part))), "")


def split(text: str) -> list[str]:
    """Split the inner text of a nested type at the commas outside brackets."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char in "<(") - (char in ">)")
        if char == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]
