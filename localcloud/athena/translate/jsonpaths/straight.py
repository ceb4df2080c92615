"""Paths of names and positions only, such as `$.a.b[0]`: read directly if no array unfolds on the way.

This is four to five times faster than item by item. That remains the way for all other paths, and for
documents with an array where a name is expected, no array where a position is, or a duplicate key.
"""

from localcloud.athena.translate.jsonpaths.nodes import Constant, Member, Node, Path, Root, Subscripts
from localcloud.athena.translate.terms import text

Step = str | int


def steps(path: Path) -> list[Step] | None:
    """Return the names and positions of a path from the root; None if it has anything else."""
    found: list[Step] = []
    node: Node = path.node
    while not isinstance(node, Root):
        match node:
            case Member(base, str(name)):
                found.append(name)
            case Subscripts(base, ((Constant(first), Constant(last)),)) if (
                type(first) is int and first == last
            ):
                if first < 0:
                    return None
                found.append(first)
            case _:
                return None
        node = base
    return found[::-1]


def leads(found: list[Step], document: str) -> str:
    """Whether the steps lead straight through a document. NULL counts as no."""
    tests = []
    for at, step in enumerate(found):
        there = f"{document}, {_pointer(found[:at])}"
        if isinstance(step, int):
            tests.append(f"json_type({there}) = 'ARRAY'")
            continue
        tests.append(f"json_type({there}) IS DISTINCT FROM 'ARRAY'")
        tests.append(
            f"coalesce(len(list_filter(json_keys({there}), lambda path_k: path_k = {text(step)})), 0) < 2"
        )
    return " AND ".join(tests)


def items(found: list[Step], document: str, absent: str) -> str:
    """Return the value that the steps lead to, or `absent`."""
    there = f"{document}, {_pointer(found)}"
    return f"CASE WHEN json_exists({there}) THEN [json_extract({there})] ELSE {absent} END"


def _pointer(found: list[Step]) -> str:
    return text("".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in found))
