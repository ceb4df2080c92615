"""Silver of tables of any shape: raw lines through parser, drafted models and macros, against a dictionary.

`make sweep` plays ten times as many; `TABLES_SEED=7` repeats one.
"""

import io
import os
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from memory_lake import MemoryLake, open_lake
from planting import Edit
from project_sources import ROOT, Project, load
from random_tables import Story, Table, story, table
from rendering import CONSUMED, Dbt

from bronze import contract
from bronze.events import EVENT_HIVE_COLUMNS
from bronze.parse import parse, source_of
from control.contracts.draft import silver_files
from control.contracts.load import folder, one
from control.contracts.render_dbt import render
from localcloud.athena.errors import AthenaError

TABLES = 20 * int(os.environ.get("SWEEP", "1"))
FIRST = random.randrange(10**6) if TABLES > 20 else 1
SEEDS = [int(os.environ["TABLES_SEED"])] if "TABLES_SEED" in os.environ else range(FIRST, FIRST + TABLES)
PARTITION = [("ingest_date", "string"), ("batch", "bigint")]


def project(shape: Table, root: Path, macros: Path) -> Project:
    """Return the contracts and models that are drafted for the table, with these macros."""
    bronze = root / "contracts/bronze/thing.yaml"
    bronze.parent.mkdir(parents=True)
    bronze.write_text(shape.bronze)
    for name, text in silver_files(one(bronze), "things").items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, text in render(folder(root / "contracts")).items():
        (root / "models" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "models" / name).write_text(text)
    shutil.copy(ROOT / "dbt_project.yml", root)
    (root / "macros").symlink_to(macros)
    return load(root)


def built(
    shape: Table, told: Story, chance: Random, root: Path, macros: Path
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return what silver shows after the story came in some batches, with builds between them."""
    lake = open_lake(root)
    dbt = Dbt(project(shape, root, macros), lake)
    thing = contract.loads(shape.bronze, "thing")
    lake.create_plain("bronze", "thing", [*thing.hive_columns, *PARTITION])
    lake.create_plain("bronze", "thing_events", [*EVENT_HIVE_COLUMNS, *PARTITION])
    lake.create_plain("ops", "consumed", CONSUMED)
    lines, batch = list(told.lines), 0
    while lines:
        batch += 1
        count = chance.randint(1, 12)
        arrive(lake, thing, batch, lines[:count], told.refused, root)
        del lines[:count]
        if not lines or chance.random() < 0.6:
            dbt.build("things_state", "things")
    return lake.query("select * from silver.things")


def arrive(
    lake: MemoryLake,
    thing: contract.BronzeContract,
    batch: int,
    lines: list[str],
    refused: frozenset[str],
    root: Path,
) -> None:
    """Parse the lines as a raw file and publish the result: a row for each line that is not refused."""
    stream = io.BytesIO("".join(f"{line}\n" for line in lines).encode())
    report = parse(stream, thing, source_of("raw/thing/1.json", f"f{batch}"), root)
    assert report.rows == sum(line not in refused for line in lines), report.reasons
    lake.append_table("bronze", "thing", batch, pq.read_table(root / f"bronze/f{batch}-00000.parquet"))


def comparable(row: Mapping[str, Any]) -> str:
    return repr({name: row[name] for name in sorted(row)})


def play(seed: int, root: Path, macros: Path = ROOT / "macros") -> None:
    """Play a story; raise AssertionError where silver does not show the latest record of each key."""
    chance = Random(seed)
    shape = table(chance)
    told = story(shape, chance)
    names, rows = built(shape, told, chance, root, macros)
    found = [dict(zip(names, row, strict=True)) for row in rows]
    assert sorted(map(comparable, found)) == sorted(map(comparable, told.expected)), shape


@pytest.mark.parametrize("seed", SEEDS)
def test_silver_shows_the_latest_of_each_key(seed: int, tmp_path: Path) -> None:
    play(seed, tmp_path)


def test_random_tables_catch_a_macro_that_rounds_timestamps_as_athena_does(tmp_path: Path) -> None:
    macros = tmp_path / "macros"
    shutil.copytree(ROOT / "macros", macros)
    bug = Edit(
        "merge/sent_value.sql", "coalesce({{ from_microseconds(exact) }}, {{ column }})", "{{ column }}"
    )
    (macros / bug.file).write_text(bug.on((macros / bug.file).read_text()))
    caught = 0
    for seed in range(1, 21):
        try:
            play(seed, tmp_path / str(seed), macros)
        except (AssertionError, AthenaError):
            caught += 1
            if caught == 3:
                return
    pytest.fail(f"caught by {caught} of twenty tables")
