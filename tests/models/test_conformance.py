"""The macros' own SQL over random histories: silver equals a dictionary, gold equals a full recompute.

`make sweep` plays 3,000 histories and prints its seeds; the normal suite plays a tenth of that.
"""

import os
import secrets
from collections import Counter
from itertools import permutations
from pathlib import Path

import pytest
from conformance import Play, new_lake
from histories import brewery, record
from kinds import KINDS, counted
from project_sources import Project, load
from rendering import Dbt
from shops import Batch, Event, difference, history, states

SHOPS = 60
SWEEP = int(os.environ.get("SWEEP", "1"))
LAKES = 5  # in a block, each with the histories of SHOPS shops
# The same histories in every `make test`, different ones in every sweep.
SEED = int(os.environ.get("CONFORMANCE_SEED") or (secrets.randbelow(10**6) if SWEEP > 1 else 101))

# Six events of one key. Every order of arrival must end the same.
EVENTS = {
    "corrections": (
        record("load", 0, **brewery(1, "Loaded")),
        record("load", 0, order=2, **brewery(1, "Corrected by an extract")),
        record("update", 5, **brewery(1, "Changed")),
        record("delete", 6, brewery_id=1),
        record("insert", 7, **brewery(1, "Back")),
        record("update", 7, rev=2, **brewery(1, "Back, read right")),
    ),
    "doubts": (
        record("update", 5, **brewery(1, "One of two")),
        record("update", 5, **brewery(1, "Two of two")),
        record("delete", 5, **brewery(1, "One of two")),
        record("delete", 5, brewery_id=1),
        record("update", 4, rev=9, **brewery(1, "Early")),
        record("update", 5, **brewery(1, "Two of two")),
    ),
    "a reload": (
        record("load", 0, **brewery(1, "Loaded")),
        record("update", 5, **brewery(1, "Changed")),
        record("load", 8, order=2, **brewery(1, "Loaded again")),
        record("delete", 7, brewery_id=1),
        Event("truncate-table", "0000000001.00000000000000000006.1.00000000000000000001"),
        Event("reload-complete", "0000000001.00000000000000000009.0.00000000000000000002"),
    ),
}


@pytest.fixture(scope="session")
def project() -> Project:
    return load()


@pytest.mark.parametrize("name", EVENTS)
def test_all_720_orders_of_six_events_end_the_same(name: str, project: Project, tmp_path: Path) -> None:
    """Each order is a key of its own; table-wide events keep their batch in all of them."""
    whole = [one for one in EVENTS[name] if isinstance(one, Event)]
    of_the_key = [one for one in EVENTS[name] if not isinstance(one, Event)]
    batches = [Batch() for _ in EVENTS[name]]
    orders = list(permutations(range(6)))
    for at, one in enumerate(whole):
        batches[2 + 2 * at].events.append(one)
    for key, order in enumerate(orders, start=1):
        for number, one in zip(order, of_the_key, strict=False):
            batches[number].rows.append({**one, "brewery_id": key})
    lake = new_lake(tmp_path)
    dbt = Dbt(project, lake)
    for number, batch in enumerate(batches, start=1):
        lake.append("bronze", "brewery_events", number, [one.row for one in batch.events])
        lake.append("bronze", "brewery", number, batch.rows)
        if number % 2:
            dbt.build("breweries_state")
    dbt.build("breweries_state")
    found = lake.rows("silver.breweries_state")
    assert difference(found, states({"brewery": batches})["brewery"].values()) is None
    assert len(found) == len(orders)
    assert len({(row["_seq"], row["_rev"], row["brewery_name"], row["_deleted"]) for row in found}) == 1


@pytest.mark.parametrize("block", range(SWEEP))
def test_random_histories_end_equal_to_a_dictionary_and_a_full_recompute(
    block: int, project: Project, tmp_path: Path
) -> None:
    """Also check that each block of histories has every kind of trouble in it."""
    kinds: Counter[str] = Counter()
    for run in range(LAKES):
        seed = SEED + block * LAKES + run
        print(f"CONFORMANCE_SEED={seed}: {SHOPS} shops")
        play = Play(history(seed, SHOPS), project, tmp_path / str(run))
        assert play.run() == "", f"CONFORMANCE_SEED={seed}"
        kinds += counted(play)
        play.lake.connection.close()
    for kind in KINDS:
        print(f"{kinds[kind]:7,} {kind}")
    assert [kind for kind in KINDS if kinds[kind] == 0] == []
