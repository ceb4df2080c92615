"""Translate SQL/JSON paths to DuckDB text: a list of JSON values, in which NULL means a path error.

`localcloud.athena.engines.jsonpaths` has the macros. What a step does to each item is a lambda, whose
parameter is named by its depth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import isfinite

from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.translate import jsons
from localcloud.athena.translate.casts import try_cast
from localcloud.athena.translate.jsonpaths import straight
from localcloud.athena.translate.jsonpaths.nodes import (
    Arithmetic,
    Both,
    Comparison,
    Constant,
    Current,
    Descendants,
    Either,
    Elements,
    Exists,
    Filter,
    IsUnknown,
    Last,
    Member,
    Method,
    Negation,
    Node,
    Path,
    Predicate,
    Root,
    Signed,
    StartsWith,
    Subscripts,
    Variable,
)
from localcloud.athena.translate.terms import DOUBLE, VARCHAR, Term, text

_NOTHING, _ERROR = "CAST([] AS JSON[])", "CAST([NULL] AS JSON[])"
_SIGNS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder"}
_COMPARISONS = {
    "==": "equal",
    "<>": "unequal",
    "<": "less",
    ">": "greater",
    "<=": "at_most",
    ">=": "at_least",
}
_EXACT_DIGITS = 15  # a decimal of at most this many digits compares the same as a double


@dataclass(frozen=True, slots=True)
class _Place:
    """A position in a path: the mode, and the DuckDB text of `$`, `@`, `last` and the variables there."""

    lax: bool
    root: str
    variables: Mapping[str, str]
    current: str | None = None
    last: str | None = None
    depth: int = 0
    inside: bool = False

    def deeper(self) -> tuple[str, "_Place"]:
        """Return the parameter name of one more lambda, and the position inside it."""
        return f"x{self.depth}", replace(self, depth=self.depth + 1)

    @property
    def absent(self) -> str:
        return _NOTHING if self.lax else _ERROR

    @property
    def mode(self) -> str:
        return "lax" if self.lax else "strict"


def sequence(path: Path, root: str, variables: Mapping[str, str]) -> str:
    """Return the items of a path in a document. `root` and `variables` are DuckDB text of JSON values.

    Raises AthenaError: INVALID_PATH for a variable without a value or an operand of a wrong type,
    NOT_SUPPORTED for what has no exact translation.
    """
    place = _Place(path.lax, root, variables)
    by_item, steps = _items(path.node, place), straight.steps(path)
    if not steps:
        return by_item
    found = straight.items(steps, root, place.absent)
    return f"CASE WHEN {straight.leads(steps, root)} THEN {found} ELSE {by_item} END"


def kind(node: Node) -> str | None:
    """Return `number`, `text` or `boolean` if all items of a path are known to be that; else None."""
    match node:
        case Constant(bool()):
            return "boolean"
        case Constant(int() | float()) | Last():
            return "number"
        case Constant(str()) | Method(name="type"):
            return "text"
        case Method(name="size" | "double"):
            return "number"
        case Method(base, "abs" | "ceiling" | "floor") | Signed(_, base) | Filter(base, _) | Elements(base):
            return kind(base)
        case Arithmetic(_, left, right):
            return "number" if kind(left) == kind(right) == "number" else None
    return None


def _items(node: Node, place: _Place) -> str:
    match node:
        case Root():
            return f"[{place.root}]"
        case Current():
            return _ERROR if place.current is None else f"[{place.current}]"
        case Last():
            return _ERROR if place.last is None else f"[{place.last}]"
        case Variable(name):
            return f"[{_variable(name, place)}]"
        case Constant():
            return f"[{_constant(node)}]"
        case Member() | Descendants() | Elements() | Subscripts() | Filter():
            return _step(node, place)
        case Method(base, name):
            return _method(base, name, place)
        case Signed(sign, operand):
            _expect_number(operand)
            macro = "athena_path_negative" if sign == "-" else "athena_path_positive"
            return _of_each(_unfolded(operand, place), place, lambda x: f"[{macro}({x})]")
        case Arithmetic():
            return _arithmetic(node, place)
    raise not_supported(f"{type(node).__name__} in a JSON path in the local cloud")


def _of_each(items: str, place: _Place, made: Callable[[str], str]) -> str:
    """Concatenate what `made` returns for each item; errors stay errors."""
    x, _ = place.deeper()
    return (
        f"flatten(list_transform({items}, lambda {x}: CASE WHEN {x} IS NULL THEN [{x}] ELSE {made(x)} END))"
    )


def _unfolded(node: Node, place: _Place) -> str:
    """Return the items of a node; in lax mode, arrays are replaced by their elements."""
    items = _items(node, place)
    return _of_each(items, place, lambda x: f"athena_path_unfolded({x})") if place.lax else items


def _variable(name: str, place: _Place) -> str:
    if name not in place.variables:
        near = next((one for one in place.variables if one.lower() == name.lower()), None)
        hint = f'. Try quoting "{name}" in the PASSING clause to match case' if near else ""
        raise AthenaError("INVALID_PATH", f"no value passed for parameter {name}{hint}")
    return place.variables[name]


def _constant(node: Constant) -> str:
    match node.value:
        case None:
            shown = "null"
        case bool(value):
            shown = "true" if value else "false"
        case str(value):
            shown = jsons.quoted(value)
        case float() if "e" not in node.written.lower() or not isfinite(node.value):
            raise not_supported(f"The number {node.written} at this place of a JSON path in the local cloud")
        case value:
            shown = repr(value)
    return f"CAST({text(shown)} AS JSON)"


def _step(node: Node, place: _Place) -> str:
    match node:
        case Member(base, None):
            step = f"athena_path_members({{}}, {place.absent})"
            return _of_each(_unfolded(base, place), place, step.format)
        case Member(base, str(name)):
            pointer = text("/" + name.replace("~", "~0").replace("/", "~1"))
            return _of_each(
                _unfolded(base, place),
                place,
                lambda x: f"athena_path_member({x}, {pointer}, {place.absent})",
            )
        case Elements(base):
            if place.lax:
                return _of_each(_items(base, place), place, "athena_path_unfolded({})".format)
            return _of_each(_items(base, place), place, f"athena_path_elements({{}}, {_ERROR})".format)
        case Subscripts():
            return _subscripts(node, place)
        case Filter(base, predicate):
            x, inner = place.deeper()
            wanted = _truth(predicate, replace(inner, current=x, inside=True))
            return (
                f"list_filter({_unfolded(base, place)}, lambda {x}: {x} IS NULL OR coalesce({wanted}, FALSE))"
            )
    raise not_supported("Descendants (..) in a JSON path in the local cloud")


def _subscripts(node: Subscripts, place: _Place) -> str:
    x, inner = place.deeper()
    elements, inner = inner.deeper()
    inner = replace(inner, last=f"to_json(len({elements}) - 1)", inside=True)
    slices = ", ".join(_slice(first, last, elements, inner) for first, last in node.ranges)
    listed = f"athena_path_unfolded({x})" if place.lax else f"athena_path_elements({x}, {_ERROR})"
    found = f"CASE WHEN len({elements}) = 0 THEN {place.absent} ELSE flatten([{slices}]) END"
    return _of_each(
        _items(node.base, place),
        place,
        lambda _: f"list_transform([{listed}], lambda {elements}: {found})[1]",
    )


def _slice(first: Node, last: Node, elements: str, place: _Place) -> str:
    """Return the elements between two positions."""
    x, inner = place.deeper()
    macro = "athena_path_slice" if place.lax else "athena_path_strict_slice"
    ends = f"struct_pack(f := {_index(first, inner)}, t := {_index(last, inner)})"
    return f"list_transform([{ends}], lambda {x}: {macro}({elements}, {x}))[1]"


def _index(node: Node, place: _Place) -> str:
    if isinstance(node, Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return f"CAST({node.value} AS BIGINT)"
    return _bound(_items(node, place), place, "athena_path_place({})".format)


def _bound(value: str, place: _Place, made: Callable[[str], str]) -> str:
    """Apply `made` to a value that is evaluated only once."""
    x, _ = place.deeper()
    return f"list_transform([{value}], lambda {x}: {made(x)})[1]"


def _method(base: Node, name: str, place: _Place) -> str:
    match name:
        case "type":
            return _of_each(_items(base, place), place, "[athena_path_type({})]".format)
        case "size":
            other = "to_json(1)" if place.lax else "NULL"
            length = "WHEN json_type({0}) = 'ARRAY' THEN to_json(json_array_length({0}))"
            return _of_each(_items(base, place), place, f"[CASE {length} ELSE {other} END]".format)
        case "double":
            return _of_each(_unfolded(base, place), place, _double)
        case "keyvalue":
            return _entries(base, place)
    _expect_number(base)
    return _of_each(_unfolded(base, place), place, f"[athena_path_{name}({{}})]".format)


def _double(x: str) -> str:
    written = try_cast(Term(f"json_extract_string({x}, '$')", VARCHAR), DOUBLE).sql
    return (
        f"[CASE WHEN json_type({x}) = 'VARCHAR' THEN athena_path_real_item({written})"
        f" ELSE to_json(athena_path_number({x})) END]"
    )


def _entries(base: Node, place: _Place) -> str:
    """`.keyvalue()`, whose ids number the objects that the path has reached."""
    if place.inside or any(isinstance(node, Method) and node.name == "keyvalue" for node in _chain(base)):
        raise not_supported("keyvalue() at this place of a JSON path in the local cloud")
    x, _ = place.deeper()
    entries = f"CASE WHEN {x} IS NULL THEN [{x}] ELSE athena_path_entries({x}, i{x} - 1) END"
    return f"flatten(list_transform({_unfolded(base, place)}, lambda {x}, i{x}: {entries}))"


def _chain(node: Node) -> list[Node]:
    """Return a node and its parts, except predicates and subscripts."""
    parts = [getattr(node, name) for name in ("base", "operand", "left", "right") if hasattr(node, name)]
    return [node, *(found for part in parts for found in _chain(part))]


def _expect_number(node: Node) -> None:
    if kind(node) in ("text", "boolean"):
        raise AthenaError("INVALID_PATH", f"invalid operand: expected a number, found {kind(node)}")


def _arithmetic(node: Arithmetic, place: _Place) -> str:
    if kind(node.left) and kind(node.right):
        _expect_number(node.left)
        _expect_number(node.right)
    sides = _sides(_unfolded(node.left, place), _unfolded(node.right, place))
    macro = f"athena_path_{_SIGNS[node.sign]}"

    def made(x: str) -> str:
        both = f"len({x}.l) = 1 AND len({x}.r) = 1"
        return f"CASE WHEN {both} THEN [{macro}({x}.l[1], {x}.r[1])] ELSE {_ERROR} END"

    return _bound(sides, place, made)


def _sides(left: str, right: str) -> str:
    """Pair two sequences for comparison or arithmetic."""
    return f"athena_path_sides(struct_pack(l := {left}, r := {right}))"


def _truth(predicate: Predicate, place: _Place) -> str:
    """Translate a predicate to a BOOLEAN; NULL if unknown."""
    match predicate:
        case Both(left, right):
            return f"({_truth(left, place)} AND {_truth(right, place)})"
        case Either(left, right):
            return f"({_truth(left, place)} OR {_truth(right, place)})"
        case Negation(inner):
            return f"(NOT {_truth(inner, place)})"
        case IsUnknown(inner):
            return f"({_truth(inner, place)} IS NULL)"
        case Exists(node):
            found = "CASE WHEN NOT athena_path_failed({0}) THEN len({0}) > 0 END"
            return _bound(_items(node, place), place, found.format)
        case Comparison(operator, left, right):
            sides = _sides(_compared(left, place), _compared(right, place))
            return _bound(sides, place, f"athena_path_{place.mode}_{_COMPARISONS[operator]}({{}})".format)
        case StartsWith(whole, prefix):
            sides = _sides(_unfolded(whole, place), _items(prefix, place))
            return _bound(sides, place, f"athena_path_{place.mode}_starts({{}})".format)
    raise not_supported(f"{type(predicate).__name__} in a JSON path in the local cloud")


def _compared(node: Node, place: _Place) -> str:
    """Translate an operand of a comparison; a short decimal can be compared as a double."""
    if isinstance(node, Constant) and isinstance(node.value, float):
        digits = node.written.lstrip("-0.").replace(".", "")
        if "e" not in digits.lower() and len(digits) <= _EXACT_DIGITS:
            return f"[CAST({text(repr(node.value))} AS JSON)]"
    return _unfolded(node, place)
