"""Maintenance of the tables that dbt writes: fewer files and versions, the same rows, no build meanwhile."""

import gzip
import json

from lakehouse import Lakehouse

MODELS = ("--select", "breweries_state", "breweries", "--exclude-resource-type", "test")
TABLE = "silver.breweries_state"


def deliver(lakehouse: Lakehouse, number: int) -> None:
    metadata = {"record-type": "data", "operation": "insert", "stream-position": f"0/{number}00"}
    row = {"brewery_id": number, "brewery_name": f"Brewery {number}"}
    body = gzip.compress(json.dumps({"data": row, "metadata": metadata}).encode())
    lakehouse.put(f"raw/brewery/cdc/{number}.json.gz", body)
    lakehouse.dm("ingest", "run", "--until-idle")
    lakehouse.build(*MODELS)


def test_small_files_and_old_versions_go_and_rows_and_offsets_stay(lakehouse: Lakehouse) -> None:
    assert "nothing was built yet" in lakehouse.run("dm", "maintain", "run", expect=2)
    assert lakehouse.dm("maintain", "plan") == []
    deliver(lakehouse, 1)
    # As many merges as make maintenance worth it, without dbt's time for each.
    for number in range(2, 8):
        lakehouse.query(
            f"insert into {TABLE} select {number}, 'Brewery {number}', '0', 0, false, 1 as _batch"
        )
    rows = lakehouse.query("select brewery_id, brewery_name from silver.breweries order by brewery_id")
    assert len(rows) == 7

    [planned] = lakehouse.dm("maintain", "plan", TABLE)
    assert (planned["before"]["files"], planned["before"]["versions"], planned["after"]) == (7, 7, None)
    lakehouse.query("update ops.lease set holder = 'b1', who = 'bob'")
    assert "build b1 of bob is at work" in lakehouse.run("dm", "maintain", "run", expect=3)
    assert lakehouse.dm("maintain", "plan", TABLE) == [planned]
    lakehouse.query("update ops.lease set holder = ''")

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
