"""Bring a catalog to the desired state, and verify every write by reading it back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from control.catalog import difference
from control.catalog.model import MARK, REFERENCE, Desired, Entity, Link, Result
from control.errors import UpstreamError
from control.ports import MetadataCatalog, SeenEdge

# A create request has the names of these entities; everywhere else their ids are sent.
_BY_NAME = ("domains", "dataProducts")
_BUILT_IN = ("Tier", "PII")
# The sources of edges that other programs may have created between our tables; those of people stay.
_MACHINES = {"DbtLineage", "QueryLineage", "ViewLineage", "SparkLineage", "OpenLineage"}
# A creation, a PUT of its columns, a patch of the rest: more rounds would not help.
_ROUNDS = 3
_LINKED = ("table", "container", "dashboard")
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Published:
    """What a publication did. `differing` names what was sent and is not in the catalog afterwards."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    edges_written: int = 0
    edges_removed: int = 0
    edges_unchanged: int = 0
    results_added: int = 0
    differing: list[str] = field(default_factory=list)


def publish(desired: Desired, catalog: MetadataCatalog, progress: Progress) -> Published:
    """Make the catalog hold `desired`: entities, results, and edges last, so that ours win.

    Safe to call again at any time: what is already there is not sent. Nothing that people added is removed;
    edges of ours that no longer hold, and other programs' edges between our tables, are.
    """
    done = Published()
    ids: dict[str, str] = {}
    named = {e.fqn for e in desired.entities if e.kind in ("classification", "glossary")}
    ours = frozenset({*named, *_BUILT_IN})
    total = len(desired.entities)
    for count, entity in enumerate(desired.entities, 1):
        ids[entity.key] = _settle(entity, ids, ours, catalog, done)
        progress(count, total)
    tests = {entity.fqn for entity in desired.entities if entity.kind == "testCase"}
    for result in desired.results:
        if result.test in tests:  # a queued result may belong to a test that no longer exists
            _settle_result(result, catalog, done)
    _settle_edges(desired.links, ids, catalog, done)
    return done


def _settle(
    entity: Entity, ids: Mapping[str, str], ours: frozenset[str], catalog: MetadataCatalog, done: Published
) -> str:
    """Create or change one entity; return its id."""
    wanted = {k: _resolved(v, ids) for k, v in entity.payload.items() if k not in entity.fixed}
    before = seen = catalog.find(entity.kind, entity.fqn)
    if seen is not None and (entity.shared or not difference.paths(wanted, seen, ours)):
        done.unchanged += 1
        return str(seen["id"])
    for _ in range(_ROUNDS):
        if seen is None or difference.needs_put(wanted, seen):
            catalog.put(entity.kind, _request(entity, ids))
        else:
            catalog.patch(entity.kind, str(seen["id"]), difference.operations(wanted, seen, ours))
        seen = catalog.find(entity.kind, entity.fqn)
        if seen is not None and not difference.paths(wanted, seen, ours):
            break
    if seen is None:
        raise UpstreamError(f"{entity.kind} {entity.fqn} was sent, but the catalog does not have it")
    if lacking := difference.paths(wanted, seen, ours):
        done.differing.append(f"{entity.kind} {entity.fqn}: {', '.join(lacking[:3])}")
    done.created += before is None
    done.changed += before is not None
    return str(seen["id"])


def _request(entity: Entity, ids: Mapping[str, str]) -> dict[str, Any]:
    """Return the create request: references by id, or by name where the API needs names."""
    return {
        key: [one[REFERENCE].partition(":")[2] for one in value] if key in _BY_NAME else _resolved(value, ids)
        for key, value in entity.payload.items()
    }


def _resolved(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        if REFERENCE in value:
            key = value[REFERENCE]
            return {"id": ids[key], "type": key.partition(":")[0]}
        return {k: _resolved(v, ids) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(one, ids) for one in value]
    return value


def _settle_result(result: Result, catalog: MetadataCatalog, done: Published) -> None:
    def is_there() -> bool:
        found = catalog.results(result.test, result.timestamp)
        return any(one.get("testCaseStatus") == result.status for one in found)

    if is_there():
        return
    payload: dict[str, Any] = {
        "timestamp": result.timestamp,
        "testCaseStatus": result.status,
        "result": result.text,
        "testResultValue": [],  # the server refuses a result without it
    }
    if result.failed_rows is not None:
        payload["failedRows"] = result.failed_rows
    catalog.add_result(result.test, payload)
    done.results_added += 1
    if not is_there():
        done.differing.append(f"result of {result.test}")


def _settle_edges(
    links: Iterable[Link], ids: Mapping[str, str], catalog: MetadataCatalog, done: Published
) -> None:
    kinds = {entity_id: key.partition(":")[0] for key, entity_id in ids.items()}
    linked = [entity_id for entity_id, kind in kinds.items() if kind in _LINKED]
    seen = {_ends(edge): edge for one in linked for edge in catalog.edges(kinds[one], one)}
    wanted = {_ends(edge): edge for edge in (_edge(link, ids) for link in links)}
    for ends, edge in seen.items():
        if ends not in wanted and _is_ours(edge, kinds):
            catalog.remove_edge(edge)
            done.edges_removed += 1
    written = [edge for ends, edge in wanted.items() if not _holds(seen.get(ends), edge)]
    for edge in written:
        catalog.put_edge(edge)
    done.edges_written += len(written)
    done.edges_unchanged += len(wanted) - len(written)
    names = {entity_id: key for key, entity_id in ids.items()}
    now: dict[tuple[str, str], SeenEdge] = {}
    for target in dict.fromkeys(edge.target for edge in written):
        now |= {_ends(edge): edge for edge in catalog.edges(kinds[target], target)}
    for edge in written:
        if not _holds(now.get(_ends(edge)), edge):
            lost = _columns(edge) - _columns(now.get(_ends(edge)))
            first = f": {min(lost)[0]}" if lost else ""
            done.differing.append(f"edge {names[edge.source]} to {names[edge.target]}{first}")


def _edge(link: Link, ids: Mapping[str, str]) -> SeenEdge:
    columns = [
        {"fromColumns": list(c.sources), "toColumn": c.target, "function": c.function} for c in link.columns
    ]
    details = {"columnsLineage": columns, "description": MARK, "source": "Manual"}
    kinds = link.source.partition(":")[0], link.target.partition(":")[0]
    return SeenEdge(ids[link.source], kinds[0], ids[link.target], kinds[1], details)


def _is_ours(edge: SeenEdge, kinds: Mapping[str, str]) -> bool:
    if edge.details.get("description") == MARK:
        return True
    return edge.details.get("source") in _MACHINES and {edge.source, edge.target} <= kinds.keys()


def _holds(seen: SeenEdge | None, wanted: SeenEdge) -> bool:
    if seen is None or seen.details.get("description") != MARK:
        return False
    return _columns(seen) == _columns(wanted)


def _columns(edge: SeenEdge | None) -> set[tuple[str, tuple[str, ...], str]]:
    listed = (edge.details.get("columnsLineage") or ()) if edge else ()
    return {(c["toColumn"], tuple(sorted(c["fromColumns"])), c.get("function") or "") for c in listed}


def _ends(edge: SeenEdge) -> tuple[str, str]:
    return edge.source, edge.target
