"""Random sequences of statements leave the same tables on both engines, equal to those of a dictionary."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from clouds import Clouds
from gateway import Gateway
from generate import sequence
from run import differences

COUNT = int(os.environ.get("SEQUENCES") or 20)
AT_ONCE = 3
# When a DELETE drops whole files, Trino also counts the rows in them that were deleted before.
UNCOUNTED = {"trino": "delete", "duckdb": ""}


@pytest.mark.timeout(0)
def test_random_sequences_leave_the_same_tables_on_both_engines(clouds: Clouds, seed: int) -> None:
    print(f"\nSEED={seed} SEQUENCES={COUNT}")
    found: list[str] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done, lines in enumerate(pool.map(partial(_run, clouds), range(seed, seed + COUNT)), 1):
            found += lines
            print(*lines, sep="\n", end="\n" if lines else "")
            if done % 10 == 0:
                print(f"{done} of {COUNT} sequences, {len(found)} differences", flush=True)
    assert found == []


def _run(clouds: Clouds, seed: int) -> list[str]:
    steps = sequence(seed, for_trino=True)
    found = []
    for engine, house in (("trino", clouds.trino), ("duckdb", clouds.duckdb)):
        gateway, database = Gateway(house), f"sequence_{seed}"
        gateway.results(f"create schema {database}")
        location = f"s3://lake/{database}"
        ask = partial(gateway.ask, database=database)
        lines = differences(steps, ask, location, uncounted=UNCOUNTED[engine])
        found += [f"seed {seed} on {engine}: {line}" for line in lines]
        _clear(gateway, database)
    return found


def _clear(gateway: Gateway, database: str) -> None:
    """Drop the tables once they are compared: a thousand sequences would fill the cloud's memory."""
    for row in gateway.results(f"show tables in {database}")["ResultSet"]["Rows"]:
        gateway.results(f"drop table {row['Data'][0]['VarCharValue']}", database)
    gateway.results(f"drop schema {database}")
