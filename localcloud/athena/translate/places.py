"""Error positions: line and column of a node of the tree, as Trino reports them.

sqlglot keeps the positions of names, literals and calls. Any other node starts with a keyword or is an
operator: its position is that of the last such keyword or operator before the part that follows it.
"""

from sqlglot import exp

from localcloud.athena.errors import AthenaError
from localcloud.athena.statements.tokens import place as place_in
from localcloud.athena.statements.tokens import tokenize

TEXT = "text"
"""The key in a tree's `meta` that holds the text it was parsed from."""

_OPERATORS: dict[type[exp.Expression], frozenset[str]] = {
    exp.EQ: frozenset("="),
    exp.NEQ: frozenset({"<>", "!="}),
    exp.LT: frozenset("<"),
    exp.LTE: frozenset({"<="}),
    exp.GT: frozenset(">"),
    exp.GTE: frozenset({">="}),
    exp.Add: frozenset("+"),
    exp.Sub: frozenset("-"),
    exp.Mul: frozenset("*"),
    exp.Div: frozenset("/"),
    exp.Mod: frozenset("%"),
    exp.DPipe: frozenset({"||"}),
    exp.Like: frozenset({"LIKE"}),
    exp.NullSafeEQ: frozenset({"IS"}),
    exp.NullSafeNEQ: frozenset({"IS"}),
    exp.Union: frozenset({"UNION"}),
    exp.Except: frozenset({"EXCEPT"}),
    exp.Intersect: frozenset({"INTERSECT"}),
}
_WORDS: dict[type[exp.Expression], frozenset[str]] = {
    exp.Select: frozenset({"SELECT"}),
    exp.Values: frozenset({"VALUES"}),
    exp.Case: frozenset({"CASE"}),
    exp.Array: frozenset({"ARRAY"}),
    exp.Exists: frozenset({"EXISTS"}),
}


def place(node: exp.Expression) -> tuple[int, int]:
    """Return line and column of a node; 1:1 if no part of it has a position."""
    node = _bare(node)
    start = _leftmost(node)
    if start is None:
        return 1, 1
    text = str(node.root().meta.get(TEXT) or "")
    if "line" not in node.meta and (at := _offset(node, text)) is not None:
        return place_in(text, at)
    line, column, width = start[1:]
    return line, max(1, column - width)


def placed(error: AthenaError, node: exp.Expression) -> AthenaError:
    """Return the error with the position of a node, if it was raised without one (at 1:1)."""
    line, column = place(node)
    code, text = error.code, str(error).removeprefix(f"{error.code}: ")
    nowhere = "line 1:1: "
    return (
        AthenaError(code, f"line {line}:{column}: {text[len(nowhere) :]}")
        if text.startswith(nowhere)
        else error
    )


def _bare(node: exp.Expression) -> exp.Expression:
    """Strip parentheses and aliases, which are not part of Trino's tree."""
    while isinstance(node, exp.Paren | exp.Alias | exp.Subquery) and isinstance(node.this, exp.Expression):
        node = node.this
    return node


def _leftmost(node: exp.Expression) -> tuple[int, int, int, int] | None:
    """Return offset, line, end column and width of the first part that has a position."""
    known = [part.meta for part in node.walk() if "line" in part.meta]
    if not known:
        return None
    first = min(known, key=lambda meta: int(meta["start"]))
    return int(first["start"]), first["line"], first["col"], first["end"] - first["start"]


def _offset(node: exp.Expression, text: str) -> int | None:
    """Return the offset of the node's keyword or operator; None if it has none."""
    behind, words = _sought(node)
    inner = _bare(node.this) if isinstance(node, exp.Cast) else None
    if isinstance(inner, exp.Cast):  # nested: its keyword is the last one before the inner cast
        behind = _offset(inner, text)
    return None if behind is None else _last_before(text, behind, words)


def _sought(node: exp.Expression) -> tuple[int | None, frozenset[str]]:
    """Return the words to look for, and the offset before which the last of them is the node's position."""
    if (words := _OPERATORS.get(type(node))) is not None:
        anchor = node.expression
    elif isinstance(node, exp.In):
        anchor, words = node.args.get("query") or node.expressions[0], frozenset({"IN"})
    elif isinstance(node, exp.Between):
        anchor, words = node.args["low"], frozenset({"BETWEEN"})
    elif isinstance(node, exp.Cast):  # includes TRY_CAST and `date '2024-01-01'`
        written = str(node.args["to"].meta.get("word", "")).upper()
        anchor, words = node.this, frozenset({"CAST", "TRY_CAST", written})
    else:
        anchor, words = node, _WORDS.get(type(node), frozenset())
    found = _leftmost(anchor) if words and isinstance(anchor, exp.Expression) else None
    return (found[0] if found else None), words


def _last_before(text: str, offset: int, words: frozenset[str]) -> int | None:
    at = None
    for token in tokenize(text):
        if token.start >= offset:
            break
        if token.keyword in words:
            at = token.start
    return at
