"""Maintenance of the tables that dbt writes: fewer files and snapshots, the same rows, no build meanwhile."""

import gzip
import json
import signal
import subprocess

from lakehouse import BIN, ROOT, Lakehouse

MODELS = ("--select", "breweries_state", "breweries", "--exclude-resource-type", "test")
TABLE = "silver.breweries_state"


def deliver(lakehouse: Lakehouse, number: int) -> None:
    metadata = {"record-type": "data", "operation": "insert", "stream-position": f"0/{number}00"}
    row = {"brewery_id": number, "brewery_name": f"Brewery {number}"}
    body = gzip.compress(json.dumps({"data": row, "metadata": metadata}).encode())
    lakehouse.put(f"raw/brewery/cdc/{number}.json.gz", body)
    lakehouse.dm("ingest", "run", "--until-idle")
    lakehouse.build(*MODELS)


def grow(lakehouse: Lakehouse, *numbers: int) -> None:
    """Add as many merges as make maintenance worthwhile, without a dbt build for each."""
    for number in numbers:
        lakehouse.query(
            f"insert into {TABLE} select {number}, 'Brewery {number}', '0', 0, false, 1 as _batch"
        )


def test_small_files_and_old_snapshots_go_and_rows_and_offsets_stay(lakehouse: Lakehouse) -> None:
    assert lakehouse.run("dm", "maintain", "run") == "Nothing was built yet.\n"
    assert lakehouse.dm("maintain", "plan") == []
    deliver(lakehouse, 1)
    grow(lakehouse, *range(2, 8))
    rows = lakehouse.query("select brewery_id, brewery_name from silver.breweries order by brewery_id")
    assert len(rows) == 7

    [planned] = lakehouse.dm("maintain", "plan", TABLE)
    assert (planned["before"]["files"], planned["before"]["versions"], planned["after"]) == (7, 7, None)
    lakehouse.query("update ops.lease set holder = 'b1', who = 'bob'")
    assert "build b1 of bob is at work" in lakehouse.run("dm", "maintain", "run", expect=3)
    assert lakehouse.dm("maintain", "run", "--unless-busy") == []
    assert lakehouse.dm("maintain", "plan", TABLE) == [planned]
    lakehouse.query("update ops.lease set holder = ''")

    left = lakehouse.dm("maintain", "run", "--minutes", "0")
    assert [(one["table"], one["after"]) for one in left] == [(TABLE, None), ("ops.lease", None)]
    assert lakehouse.dm("maintain", "plan", TABLE) == [planned], "there was no time, so nothing has changed"

    done = {one["table"]: one for one in lakehouse.dm("maintain", "run", "--keep-days", "0")}
    assert set(done) == {TABLE, "ops.lease"}
    assert (done[TABLE]["after"]["files"], done[TABLE]["after"]["versions"]) == (1, 1)
    assert done["ops.lease"]["after"]["versions"] < done["ops.lease"]["before"]["versions"]
    assert lakehouse.query("select holder from ops.lease") == [{"holder": ""}]
    assert (
        lakehouse.query("select brewery_id, brewery_name from silver.breweries order by brewery_id") == rows
    )
    deliver(lakehouse, 8)
    assert lakehouse.query("select count(*) as n from silver.breweries") == [{"n": 8}]


def interrupted(lakehouse: Lakehouse, by: signal.Signals) -> None:
    """Run maintenance and send it a signal after its first table is in order, before the next one is."""
    command = [str(BIN / "dm"), "maintain", "run", "--keep-days", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=lakehouse.env, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr
        assert run.stderr.readline() == f"{TABLE} is in order.\n"
        run.send_signal(by)
        run.communicate()  # waits for its end; leaving would close the pipe it writes to
    assert run.returncode == (1 if by == signal.SIGTERM else -by)


def made_of(lakehouse: Lakehouse) -> tuple[int, int]:
    [found] = lakehouse.dm("maintain", "plan", TABLE)
    return found["before"]["files"], found["before"]["versions"]


def test_interrupted_maintenance_loses_nothing_and_blocks_others_only_for_a_time(
    lakehouse: Lakehouse,
) -> None:
    deliver(lakehouse, 1)
    grow(lakehouse, 2, 3, 4)
    interrupted(lakehouse, signal.SIGTERM)
    assert lakehouse.query("select holder from ops.lease") == [{"holder": ""}], "the lease is given back"

    grow(lakehouse, 5, 6, 7)
    interrupted(lakehouse, signal.SIGKILL)
    [lease] = lakehouse.query("select holder from ops.lease")
    assert lease["holder"].startswith("maintenance-")
    assert made_of(lakehouse) == (1, 1), "finished work stays"
    # Its last statement may still run, so everything else is refused for as long as a statement can last.
    assert "Another build is at work" in lakehouse.build(*MODELS, expect=2)
    assert "is at work on these tables" in lakehouse.run("dm", "maintain", "run", expect=3)

    lakehouse.query("update ops.lease set renewed_at = renewed_at - 2400")
    lakehouse.query("update ops.lease set holder = 'b' || holder")
    refused = lakehouse.run("dm", "maintain", "run", expect=3)
    assert "build bmaintenance-" in refused, "a dead build is for the next build to clean up"
    lakehouse.query("update ops.lease set holder = substr(holder, 2)")
    grow(lakehouse, 8)
    done = {one["table"]: one["after"] for one in lakehouse.dm("maintain", "run", "--keep-days", "0")}
    assert done.keys() == {TABLE, "ops.lease"}
    assert None not in done.values()
    assert lakehouse.query("select holder from ops.lease") == [{"holder": ""}]
    deliver(lakehouse, 9)
    assert lakehouse.query("select count(*) as n from silver.breweries") == [{"n": 9}]
