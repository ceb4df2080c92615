"""A person deleted at the source is gone from everything that is kept here, once retention allows it."""

import gzip
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
from lakehouse import Lakehouse
from pyiceberg.avro.file import AvroFile
from pyiceberg.io import load_file_io

WHO = {"profile_id": 7, "profile_name": "Xanthippe", "email": "xanthippe@athens.example", "state": "VA"}
OTHERS = [{**WHO, "profile_id": n, "profile_name": f"P{n}", "email": f"{n}@b.example"} for n in range(1, 4)]
NOW = ("--raw-days", "0", "--bronze-days", "0", "--quarantine-days", "0")
MODELS = ("--select", "profiles_state", "profiles", "--exclude-resource-type", "test")


def change(operation: str, position: int, row: dict[str, object], **more: object) -> str:
    metadata = {"record-type": "data", "operation": operation, "stream-position": f"0/{position:X}00"}
    return json.dumps({"data": row, "metadata": metadata, **more})


def deliver(house: Lakehouse, name: str, *lines: str) -> None:
    house.put(f"raw/profile/cdc/{name}.json.gz", gzip.compress("\n".join(lines).encode()))
    house.dm("ingest", "run", "--until-idle")
    house.build(*MODELS)


def text_of(key: str, body: bytes, scratch: Path) -> str:
    """Return the text in an object, whatever its format, with the column bounds in Avro files."""
    if key.endswith(".gz"):
        body = gzip.decompress(body)
    if body.startswith(b"PAR1"):
        return str(pq.read_table(BytesIO(body)).to_pydict()) + str(pq.read_metadata(BytesIO(body)).to_dict())
    if body.startswith(b"Obj\x01"):
        scratch.write_bytes(body)
        with AvroFile(load_file_io({}).new_input(str(scratch))) as records:
            return str(list(records))
    return body.decode(errors="replace")


def objects_that_name_her(house: Lakehouse) -> list[str]:
    """Return the keys of the objects that name her, in any version."""
    return [key for key, text in texts(house) if "xanthippe" in text.lower()]


def texts(house: Lakehouse) -> Iterator[tuple[str, str]]:
    s3 = house.s3()
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="lake"):
        for one in page.get("Versions", []):
            body = s3.get_object(Bucket="lake", Key=one["Key"])["Body"].read()
            yield one["Key"], text_of(one["Key"], body, house.folder / "manifest.avro")


def obey_the_rules_of_the_bucket(house: Lakehouse) -> None:
    """Delete what lifecycle rules would: tagged objects, and old results and leftovers."""
    s3 = house.s3()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="lake"):
        for key in (one["Key"] for one in page.get("Contents", [])):
            tags = s3.get_object_tagging(Bucket="lake", Key=key)["TagSet"]
            if tags or key.startswith(("athena-results/", "tmp/")):
                s3.delete_object(Bucket="lake", Key=key)


def kept(house: Lakehouse) -> dict[str, object]:
    """Return what silver has of her."""
    [row] = house.query("select * from silver.profiles_state where profile_id = 7")
    return {name: value for name, value in row.items() if value is not None}


def test_a_deleted_person_is_nowhere_once_the_ages_have_passed(lakehouse: Lakehouse) -> None:
    refused = change("insert", 9, {**WHO, "colour": "red"})
    deliver(lakehouse, "1", *(change("insert", n, row) for n, row in enumerate([WHO, *OTHERS], 1)), refused)
    deliver(lakehouse, "2", change("update", 16, {**WHO, "state": "MD"}, **{"before-image": WHO}))
    assert lakehouse.query("select profile_name from silver.profiles where profile_id = 7")

    # The whole row again, as a source with full replica identity writes it.
    deliver(lakehouse, "3", change("delete", 32, WHO, **{"before-image": WHO}))
    tombstone = kept(lakehouse)
    assert tombstone.keys() == {"profile_id", "_seq", "_rev", "_deleted", "_batch"}
    places = {key.split("/")[0] for key in objects_that_name_her(lakehouse)}
    assert places >= {"raw", "bronze", "quarantine"}, "still there, as the ages are not over"

    # As in old tombstones, which kept more than the key.
    lakehouse.query("update silver.profiles_state set profile_name = 'Xanthippe' where profile_id = 7")
    lakehouse.build(*MODELS, "--vars", "rebuild: true")
    assert kept(lakehouse) == tombstone

    [line] = lakehouse.dm("quarantine", "list", "--table", "profile")
    lakehouse.run("dm", "quarantine", "waive", line["file_id"], "--reason", "she was deleted")
    lakehouse.dm("maintain", "run", "--keep-days", "0")
    # After a file is rewritten, the newest manifest still holds its old lower bounds.
    deliver(lakehouse, "4", change("update", 48, {**OTHERS[0], "state": "MD"}))
    lakehouse.dm("maintain", "run", "--keep-days", "0")
    lakehouse.dm("retention", "run", *NOW)
    obey_the_rules_of_the_bucket(lakehouse)
    assert objects_that_name_her(lakehouse) == []
    assert lakehouse.query("select count(*) as n from silver.profiles") == [{"n": 3}]
