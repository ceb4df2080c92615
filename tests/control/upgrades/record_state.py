"""Record what a version leaves in store, bucket and catalog: `python record_state.py FILE`.

Run it in the folder and environment of a release, before the code changes. FILE goes next to this file, named
after the version. Later versions must be able to continue from it: see `test_states_of_releases.py`.
"""

import base64
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

sys.path.insert(0, str(Path.cwd()))

from control.adapters.dynamodb import DynamoStore
from control.config import from_environment
from control.ingest import tables
from control.ingest.rules import Rules
from control.ingest.run import run
from control.model import Batch, Head
from control.wiring import connect

TABLE = "dm-processing-control"
LEASE_SECONDS = 0.2
RELOAD = "raw/brewery/epoch=1/extract=2/reload=1"


class DeathError(BaseException):
    """The worker was killed."""


@contextmanager
def death(at: Callable[[Any], bool], *, before: bool = False) -> Iterator[None]:
    """Kill the worker at its first write of an item for which `at` is true, before or after the write."""
    real = DynamoStore.update

    def update(store: DynamoStore, old: Any, new: Any) -> Any:
        if before and at(new):
            raise DeathError
        done = real(store, old, new)
        if at(new):
            raise DeathError
        return done

    DynamoStore.update = update  # type: ignore[method-assign,assignment]
    try:
        yield
    except DeathError:
        return
    finally:
        DynamoStore.update = real  # type: ignore[method-assign]
    raise SystemExit("nobody died")


def becomes(state: str) -> Callable[[Any], bool]:
    """Return a check that an item is a batch in `state`."""
    return lambda item: isinstance(item, Batch) and item.state == state


def intends(item: Any) -> bool:
    """Return whether the item is a head with an open intent."""
    return isinstance(item, Head) and item.intent is not None


def ingest(table: str) -> None:
    """Do what `dm ingest run --until-idle --table` does, with short leases."""
    rules = Rules(lease_seconds=LEASE_SECONDS, retry_seconds=0.01)
    contracts = tables.load(from_environment(os.environ))
    run(
        {table: contracts[table]},
        connect(os.environ),
        rules,
        mode="until_idle",
        others=contracts.keys() - {table},
    )


def dm(*arguments: str) -> Any:
    """Run a command of this version."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dm"), *arguments], capture_output=True, text=True, check=False
    )
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


def change(position: int, **row: object) -> str:
    """Return a change record."""
    metadata = {"record-type": "data", "operation": "insert", "stream-position": f"0/{position:X}"}
    return json.dumps({"data": row, "metadata": metadata})


def land(s3: Any, key: str, *lines: str, cut: int = 0) -> None:
    """Land a raw file, compressed if its name says so; `cut` removes bytes from its end."""
    body = "\n".join(lines).encode()
    if key.endswith(".gz"):
        packed = gzip.compress(body, mtime=0)
        body = packed[: len(packed) - cut]
    s3.put_object(Bucket="lake", Key=key, Body=body)


def brewery(number: int, **more: object) -> dict[str, object]:
    """Return a row; it is refused if it has `more` columns than the contract."""
    return {"brewery_id": number, "brewery_name": f"Brewery {number}", **more}


def live(s3: Any) -> None:
    """Play a history with one of everything that the control store can contain."""
    land(
        s3,
        "raw/brewery/a.json.gz",
        *(change(n, **brewery(n, colour=1)) for n in (1, 2)),
        change(3, **brewery(3)),
    )
    land(s3, "raw/brewery/b.json.gz", change(4, **brewery(4, colour=1)), change(5, **brewery(5)))
    ingest("brewery")
    for name, number in (("c", 6), ("d", 8)):
        land(s3, f"raw/brewery/{name}.json.gz", change(number, **brewery(number, colour=1)))
        ingest("brewery")
    dm("ingest", "replay", "--table", "brewery", "--from", "2", "--to", "2", "--reason", "to record it")
    ingest("brewery")
    refused = {one["key"]: one["file_id"] for one in dm("quarantine", "list", "--json")}
    dm("quarantine", "waive", refused["raw/brewery/d.json.gz"], "--reason", "to record it")
    land(s3, "raw/brewery/e.json.gz", change(9, **brewery(9)))
    with death(becomes("written"), before=True):
        ingest("brewery")
    time.sleep(LEASE_SECONDS)
    ingest("brewery")  # what the dead worker wrote stays as leftovers
    land(s3, "raw/brewery/poison.json.gz", change(10, **brewery(10)), cut=5)
    ingest("brewery")
    land(s3, "raw/brewery/b.json.gz", change(4, **brewery(4)))  # overwrites the file
    land(s3, "raw/nobody/x.csv", "a", "1")
    land(s3, f"{RELOAD}/_BEGIN", json.dumps({"position": "0/8"}))
    land(s3, f"{RELOAD}/1.csv.gz", "brewery_id,brewery_name", "3,Reloaded 3")
    listed = [{"key": f"{RELOAD}/{part}.csv.gz", "records": 1} for part in (1, 2)]
    land(s3, f"{RELOAD}/_COMPLETE", json.dumps({"files": listed}))
    dm("ingest", "run")
    leave_work(s3)


def leave_work(s3: Any) -> None:
    """Let a worker die at each stage, each with its own table."""
    land(s3, "raw/brewery/claimed.json.gz", change(12, **brewery(12)))
    with death(becomes("claimed")):
        ingest("brewery")
    beer = {"beer_id": 1, "brewery_id": 3, "beer_name": "Ale", "beer_style": "Ale", "beer_abv": 5.0}
    land(s3, "raw/beer/written.json.gz", change(1, **beer), change(2, **beer, colour=1))
    with death(becomes("written")):
        ingest("beer")
    person = {"profile_id": 1, "profile_name": "P", "email": "p@example.com", "state": "CA"}
    land(s3, "raw/profile/1.json.gz", change(1, **person))
    land(s3, "raw/profile/2.json.gz", change(2, **person), cut=5)
    with death(becomes("splitting")):
        ingest("profile")
    scores = dict.fromkeys(("overall", "aroma", "appearance", "palate", "taste"), 4.0)
    review = {"review_id": 1, "brewery_id": 3, "beer_id": 1, "profile_id": 1}
    review |= {f"review_{name}": score for name, score in scores.items()} | {"review_time": 1234817823}
    land(s3, "raw/review/intended.json.gz", change(1, **review))
    with death(intends):
        ingest("review")


def recorded(s3: Any, endpoint: str) -> dict[str, Any]:
    """Return everything in store, bucket and catalog as JSON."""
    dynamodb, glue = (boto3.client(name, endpoint_url=endpoint) for name in ("dynamodb", "glue"))
    described = dynamodb.describe_table(TableName=TABLE)["Table"]
    kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    indices = ("IndexName", "KeySchema", "Projection")
    table: dict[str, Any] = {name: described[name] for name in kept}
    table[kept[2]] = [{name: one[name] for name in indices} for one in table[kept[2]]]
    objects = {  # except contracts, which only the worker that wrote them reads
        one["Key"]: base64.b64encode(s3.get_object(Bucket="lake", Key=one["Key"])["Body"].read()).decode()
        for one in s3.list_objects_v2(Bucket="lake")["Contents"]
        if not one["Key"].endswith("/contract.yaml")
    }
    catalog = {}
    for found in glue.get_tables(DatabaseName="bronze")["TableList"]:
        stated = {
            name: found[name]
            for name in ("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")
        }
        partitions = glue.get_partitions(DatabaseName="bronze", TableName=found["Name"])["Partitions"]
        held = ("Values", "Parameters", "StorageDescriptor")
        catalog[found["Name"]] = {
            "table": stated, "partitions": [{name: one[name] for name in held} for one in partitions]
        }  # fmt: skip
    items = sorted(
        dynamodb.scan(TableName=TABLE)["Items"], key=lambda item: (item["pk"]["S"], item["sk"]["S"])
    )
    return {"table": table, "items": items, "objects": objects, "catalog": catalog}


def main() -> None:
    """Play the history on a moto server and write the resulting state."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    os.environ.update({
        "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "DM_TOKEN_KEY": "a key to record with, long enough", "DM_ACTOR": "who recorded it",
    })  # fmt: skip
    connect(os.environ)
    s3 = boto3.client("s3", endpoint_url=endpoint)
    live(s3)
    state = recorded(s3, endpoint)
    Path(sys.argv[1]).write_text(json.dumps(state, indent=1, sort_keys=True) + "\n")
    server.stop()


if __name__ == "__main__":
    main()
