"""A reload end to end: the producer's files and markers, ingestion, and the floor that it sets in silver."""

import gzip
import json

from lakehouse import Lakehouse

FOLDER = "raw/brewery/epoch=1/extract=2/reload=1"


def extract(*names: tuple[int, str]) -> bytes:
    lines = ["brewery_id,brewery_name", *(f"{number},{name}" for number, name in names), ""]
    return gzip.compress("\n".join(lines).encode())


def change(operation: str, position: str, **data: object) -> bytes:
    metadata = {"record-type": "data", "operation": operation, "stream-position": position}
    return gzip.compress(json.dumps({"data": data, "metadata": metadata}).encode())


def built(lakehouse: Lakehouse) -> dict[int, str]:
    lakehouse.build("--select", "breweries_state", "breweries", "--exclude-resource-type", "test")
    return {
        row["brewery_id"]: row["brewery_name"]
        for row in lakehouse.query("select brewery_id, brewery_name from silver.breweries")
    }


def test_keys_that_a_completed_reload_lacks_are_gone_and_stay_gone(lakehouse: Lakehouse) -> None:
    lakehouse.put("raw/brewery/epoch=1/extract=1/a.csv.gz", extract((1, "Alpha"), (2, "Beta"), (3, "Gamma")))
    lakehouse.put("raw/brewery/cdc/1.json.gz", change("insert", "0/100", brewery_id=4, brewery_name="Delta"))
    lakehouse.put("raw/brewery/cdc/2.json.gz", change("update", "0/300", brewery_id=1, brewery_name="New"))

    # The snapshot at 0/200 has neither 3 nor 4. Its _COMPLETE arrives first, and waits.
    listed = {"files": [{"key": f"{FOLDER}/part.csv.gz", "records": 3}]}
    lakehouse.put(f"{FOLDER}/_COMPLETE", json.dumps(listed).encode())
    lakehouse.put(f"{FOLDER}/part.csv.gz", extract((1, "Alpha"), (2, "Beta"), (5, "Epsilon")))
    waiting = lakehouse.dm("ingest", "run", "--until-idle")["findings"]
    assert [(found["code"], found["where"]) for found in waiting] == [("reload.waiting", f"{FOLDER}/")]

    lakehouse.put(f"{FOLDER}/_BEGIN", json.dumps({"position": "0/200"}).encode())
    assert lakehouse.dm("ingest", "run", "--until-idle")["findings"] == []
    # One build reads the floor, a change too late for it, and a change after it.
    lakehouse.put("raw/brewery/cdc/0.json.gz", change("update", "0/150", brewery_id=3, brewery_name="Late"))
    lakehouse.put("raw/brewery/cdc/3.json.gz", change("insert", "0/400", brewery_id=4, brewery_name="Back"))
    lakehouse.dm("ingest", "run", "--until-idle")
    assert built(lakehouse) == {1: "New", 2: "Beta", 4: "Back", 5: "Epsilon"}
