"""Random queries: changes of the data spread only along edges, and planted holes are found this way.

`make sweep` draws ten times as many queries, new ones each time, and plants all holes; `QUERIES_SEED=…`
repeats a run. The normal suite plants two holes, which change every day; `PLANTED="having"` chooses one.
"""

import os
import secrets
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import duckdb
import pytest
from changes import Seen, consequences
from hard_queries import traced
from planting import Edit, chosen
from random_queries import merge, query

from control.lineage import origins
from control.lineage import query as tracing

SWEEP = int(os.environ.get("SWEEP", "1"))
SEED = int(os.environ.get("QUERIES_SEED") or (secrets.randbelow(10**6) if SWEEP > 1 else 0))
QUERIES, MERGES = 60 * SWEEP, 15 * SWEEP
HUNTED = 400
"""Number of queries, one of which must find a planted hole."""
DATASETS = 3


@cache
def observed(seed: int, draw: Callable[[int], str] = query) -> tuple[str, Seen] | None:
    """Return a query and the observed dependencies, or None if DuckDB cannot run it."""
    sql = draw(seed)
    try:
        return sql, consequences(sql, seed, DATASETS)[0]
    except duckdb.Error:  # some correlated queries, which Trino does not run either
        return None


def edges(sql: str) -> Seen:
    return {
        (source, name)
        for columns in traced(sql).values()
        for name, sources in columns.items()
        for source in sources
    }


@pytest.mark.parametrize(("draw", "count", "shown"), [(query, QUERIES, 3), (merge, MERGES, 1)])
def test_changes_spread_only_along_edges(draw: Callable[[int], str], count: int, shown: int) -> None:
    found = [one for seed in range(SEED, SEED + count) if (one := observed(seed, draw)) is not None]
    assert len(found) > 0.9 * count
    assert sum(len(seen) for _, seen in found) > shown * count, "the queries show too little"
    for sql, seen in found:
        assert seen <= edges(sql), f"a change was seen where there is no edge (QUERIES_SEED={SEED}): {sql}"


def hole(old: str, new: str = "pass") -> Edit:
    return Edit("origins.py", old, new)


HOLES = {
    "where": hole('("where", "where"), ', ""),
    "having": hole('("having", "having"), ', ""),
    "join on": hole('yield "join on", on'),
    "group by": hole("for child in children(group):", "for child in ():"),
    "distinct": hole('if select.args.get("distinct"):', "if False:"),
    "the rows of what is read": hole("_add(made.rows, self._source(source).rows)"),
    "what steers a value, where it is read": hole("_add(self.indirect, other.indirect)"),
    "the keys of a window": hole('for key in window.args.get("partition_by") or ():', "for key in ():"),
    "the window that a window refers to": hole("(tree, *named_windows(tree, scope))", "(tree,)"),
    "the order of a window": hole('for key in order_keys(window.args.get("order")):', "for key in ():"),
    "the filter of an aggregate": hole(
        '_add(into.indirect, self._leaves(tree.expression.this, scope, "filter where"))'
    ),
    "the rows of a subquery": hole("_add(into.indirect, found.rows)"),
    "the rows behind EXISTS": hole('_add(into.indirect, _relabelled(found.rows, ""))'),
    "the other side of a union": hole("left if is_except else _either(left, right)", "left"),
    "what EXCEPT and INTERSECT compare": hole(
        'if tree.args.get("distinct") or not isinstance(tree, exp.Union):', "if False:"
    ),
    "the order of a union": hole('_add(rows, dict.fromkeys(origins.all(), Part("order by", key)))'),
    "the length of an array": hole('_add(made.rows, _relabelled(origins.all(), "unnest"))'),
    "the rows of a LATERAL": hole("strict=True)), found.rows)", "strict=True)))"),
}


def planted(name: str) -> ModuleType:
    source = HOLES[name].on(Path(str(origins.__file__)).read_text())
    module = ModuleType("control.lineage.planted")
    sys.modules[module.__name__] = module  # dataclasses look it up there
    exec(compile(source, HOLES[name].file, "exec"), module.__dict__)
    return module


def test_each_planted_hole_still_applies() -> None:
    source = Path(str(origins.__file__)).read_text()
    assert len({hole.on(source) for hole in HOLES.values()} - {source}) == len(HOLES) >= 18


@pytest.mark.parametrize("name", chosen(HOLES))
def test_a_planted_hole_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "trace", planted(name).trace)
    for at in range(HUNTED):
        one = observed(at)
        if one is not None and not one[1] <= edges(one[0]):
            print(f"{name}: query {at}")
            return
    pytest.fail(f"none of {HUNTED} queries shows that {name} has no edges")
