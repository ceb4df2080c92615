"""The oracle and the parser, written independently from the same documented rules, agree."""

import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hostile_lines import change_line, extract_line
from raw_records import TABLES, Event, Floor, columns_of, read_file

from bronze import contract as contracts
from bronze.parse import parse, source_of
from control.sample.delivery import Plan
from control.sample.landing import into_folder, land
from control.sample.shop import DATA, open_shop

CONTRACTS = Path(__file__).parents[2] / "contracts" / "bronze"


def read_by_the_parser(path: Path, name: str, out: Path) -> tuple[list[object], list[Event | Floor]]:
    table = name.split("/")[1]
    contract = contracts.load(CONTRACTS / f"{table}.yaml")
    with path.open("rb") as stream:
        report = parse(stream, contract, source_of(name, "f"), out, token_key=b"key")
    refused = [
        json.loads(line)["line"]
        for file in out.glob("quarantine/*")
        for line in file.read_bytes().splitlines()
    ]
    rows = (row for file in out.glob("bronze/*") for row in pq.read_table(file).to_pylist())
    events = (row for file in out.glob("events/*") for row in pq.read_table(file).to_pylist())
    counts = [report.lines, report.blank, report.records, report.rows, report.control]
    said = [*events_of(table, rows), *floors_of(events)]
    return [*counts, report.failure is None, sorted(refused)], sorted(said, key=repr)


def read_by_the_oracle(path: Path, name: str) -> tuple[list[object], list[Event | Floor]]:
    file, events = read_file(path, name)
    refused = sorted(line for line, _ in file.reasons)
    return [
        file.lines,
        file.blank,
        file.records,
        file.rows,
        file.control,
        file.failure is None,
        refused,
    ], sorted(events, key=repr)


def events_of(table: str, rows: Iterable[dict[str, object]]) -> Iterable[Event]:
    """Convert bronze rows to events of the oracle."""
    names = [column.name for column in columns_of(table)]
    for row in rows:
        seq = sequence_of(row)
        yield Event(row[names[0]], seq, row["_op"] == "delete", tuple(row[name] for name in names))
        if row["_key_before"]:
            yield Event(json.loads(str(row["_key_before"]))[names[0]], seq, True, ())


def floors_of(events: Iterable[dict[str, object]]) -> Iterable[Floor]:
    return (Floor(sequence_of(event)) for event in events if event["event"] == "truncate-table")


def sequence_of(row: dict[str, object]) -> tuple[int, int, int, int]:
    epoch, position, kind, order = str(row["_seq"]).split(".")
    return int(epoch), int(position, 16), int(kind), int(order)


@pytest.mark.parametrize("seed", range(40))
def test_they_agree_on_hostile_lines(tmp_path, seed):
    rng = Random(seed)
    table, shape = rng.choice(list(TABLES)), rng.choice(["csv", "json"])
    header = [",".join(column.name for column in columns_of(table)).encode()] if shape == "csv" else []
    make = extract_line if shape == "csv" else change_line
    path = tmp_path / "raw.gz"
    path.write_bytes(gzip.compress(b"\n".join([*header, *(make(rng, table) for _ in range(90))])))
    name = f"raw/{table}/epoch=2/extract=3/raw.{shape}.gz"
    assert read_by_the_parser(path, name, tmp_path / "out") == read_by_the_oracle(path, name)


def test_they_agree_on_the_sample(tmp_path):
    shop = open_shop(DATA, rows=1000, seed=3)
    for _ in land(shop, Plan(3, chaos=4), [2], into_folder(tmp_path)):
        pass
    paths = sorted(tmp_path.glob("raw/**/*.gz"))
    assert len(paths) >= 9
    for number, path in enumerate(paths):
        name = path.relative_to(tmp_path).as_posix()
        assert read_by_the_parser(path, name, tmp_path / f"out{number}") == read_by_the_oracle(path, name)
