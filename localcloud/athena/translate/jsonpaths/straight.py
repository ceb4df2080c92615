"""Paths of names and places alone, such as `$.a.b[0]`: read where they lead, if no array unfolds on the way.

Four to five times faster than item by item, which stays the way of all other paths, and of documents where
an array stands where a name is asked of it, no array where a place is, or a key comes twice.
"""

from localcloud.athena.translate.jsonpaths.nodes import Constant, Member, Node, Path, Root, Subscripts
from localcloud.athena.translate.terms import text

Step = str | int


def steps(path: Path) -> list[Step] | None:
    """The names and places of a path that has nothing else, from the root on."""
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
    """What stands where the steps lead, or `absent`."""
    there = f"{document}, {_pointer(found)}"
    return f"CASE WHEN json_exists({there}) THEN [json_extract({there})] ELSE {absent} END"


def _pointer(found: list[Step]) -> str:
    return text("".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in found))
