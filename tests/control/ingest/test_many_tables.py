"""Tables without news cost no requests, however many there are."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from raising import raising

from control.ingest.listing import FEW_OBJECTS, Known, register_listed
from control.model import Batch, RawFile
from control.ports import ITEMS_A_SHELF
from control.status import every_status

broken = raising(KeyboardInterrupt())


class Counted:
    """Wraps a port and counts its calls."""

    def __init__(self, port: object, calls: Counter[str]) -> None:
        self._port, self._calls = port, calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*given: Any, **named: Any) -> Any:
            # Reading no keys makes no request to DynamoDB.
            self._calls[name] += name != "get_many" or bool(given[2])
            return method(*given, **named)

        return call


def lake(new_world: Callable[..., Any], bronze_table: Callable[[str], Any], tables: int) -> Any:
    """Create a world of `tables` tables, each with one published file."""
    names = [f"t{number:03}" for number in range(tables)]
    world = new_world(tables={name: bronze_table(name) for name in names})
    for name in names:
        world.land(name, "first", "1")
    assert len(world.run().batches) == tables
    return world


def asked(world: Any, what: Callable[[Any], object]) -> Counter[str]:
    """Count the calls that `what` makes to the ports of `world`."""
    parts, calls = world.parts, Counter[str]()
    ports = {name: Counted(getattr(parts, name), calls) for name in ("store", "objects", "catalog")}
    world.parts = replace(parts, **ports)
    what(world)
    world.parts = parts
    return +calls


@pytest.mark.parametrize("listing", ["always", "when_due"])
def test_a_run_with_nothing_new_costs_the_same_with_ten_times_the_tables(
    new_world, bronze_table, listing: str
) -> None:
    costs = []
    for tables in (5, 50):
        world = lake(new_world, bronze_table, tables)
        world.run(listing=listing)
        costs.append(asked(world, lambda world: world.run(listing=listing)))
    assert costs[0] == costs[1]
    assert costs[0].total() <= (8 if listing == "always" else 3)


def test_a_run_with_one_new_file_costs_the_same_with_ten_times_the_tables(new_world, bronze_table) -> None:
    costs = []
    for tables in (5, 50):
        world = lake(new_world, bronze_table, tables)
        world.land("t002", "second", "2")
        costs.append(asked(world, lambda world: world.run()))
        world.check()
    assert costs[0] == costs[1]


def test_batches_that_refused_records_cost_later_runs_nothing(new_world, bronze_table) -> None:
    """Such batches stay in the index forever; a lake that is a few years old has many for each table."""
    world = lake(new_world, bronze_table, 5)
    world.run(listing="when_due")
    young = asked(world, lambda world: world.run(listing="when_due"))
    for number in range(5 * 2 * ITEMS_A_SHELF + 1):
        world.land("t001", f"bad{number}", f"bad {number}", f"{number}")
        world.run()
    world.run(listing="when_due")
    old = asked(world, lambda world: world.run(listing="when_due"))
    assert world.head("t001").counted.counts.quarantined == 5 * 2 * ITEMS_A_SHELF + 1
    assert old == young


def test_the_status_of_ten_times_the_tables_costs_the_same(new_world, bronze_table) -> None:
    costs = []
    for tables in (5, 50):
        world = lake(new_world, bronze_table, tables)
        world.land("t002", "bad", "!refuse")
        world.run()
        world.land("t003", "waits", "2")
        register_listed(world.tables, world.parts)
        costs.append(asked(world, lambda world: every_status(world.tables, world.parts, {})))
        assert [s.files for s in every_status(world.tables, world.parts, {})[1:5]] == [
            {"published": 1},
            {"published": 1, "failed": 1},
            {"published": 1, "registered": 1},
            {"published": 1},
        ]
    assert costs[0] == costs[1]


def test_recording_a_listing_is_one_write_per_table(new_world, bronze_table) -> None:
    world = lake(new_world, bronze_table, 5)
    world.run(listing="when_due")
    world.clock.sleep(world.rules.relist_seconds)
    calls = asked(world, lambda world: world.run(listing="when_due"))
    assert (calls["update"], calls["get"]) == (5, 0)
    assert {world.head(name).listed_at for name in world.tables} == {world.clock.now()}


def test_if_one_request_cannot_return_all_open_work_each_table_is_queried(
    new_world, bronze_table, monkeypatch
) -> None:
    world = lake(new_world, bronze_table, 5)
    world.land("t002", "second", "2")
    world.land("t004", "bad", "!refuse")
    monkeypatch.setattr(world.store, "at_hand", lambda shelves: None)
    world.run()
    world.check()
    assert [s.files for s in every_status(world.tables, world.parts, {})[2:]] == [
        {"published": 2},
        {"published": 1},
        {"published": 1, "failed": 1},
    ]


def test_each_table_is_queried_only_for_the_open_work_it_has(new_world, bronze_table, monkeypatch) -> None:
    """One table has only open batches, another only raw files that are in no batch yet."""
    world = lake(new_world, bronze_table, 5)
    world.land("t001", "second", "2")
    register_listed(world.tables, world.parts)
    monkeypatch.setattr(world.engine, "run", broken)
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.land("t003", "second", "2")
    register_listed(world.tables, world.parts)
    queried: list[tuple[type, str]] = []
    query = world.store.query

    def noted(kind: type, table: str, **options: Any) -> Any:
        if kind in (Batch, RawFile):
            queried.append((kind, table))
        return query(kind, table, **options)

    monkeypatch.undo()
    monkeypatch.setattr(world.store, "query", noted)
    world.run(mode="once")
    assert queried == [(Batch, "t001"), (RawFile, "t003")]
    world.check()


@pytest.mark.parametrize("objects", [1, FEW_OBJECTS, FEW_OBJECTS + 1, 5 * FEW_OBJECTS + 1])
def test_registered_files_are_known_however_many_objects_a_table_has(
    new_world, bronze_table, objects: int
) -> None:
    world = lake(new_world, bronze_table, 3)
    for number in range(1, objects):
        world.land("t001", f"more{number:03}", "2")
    register_listed(world.tables, world.parts)
    known = Known()
    world.land("t002", "new", "3")
    assert register_listed(world.tables, world.parts, known)[0] == 1
    assert len(known.etags) == objects + 3
    assert known.etags == {
        file.file_id: file.etag for name in world.tables for file in world.files(name).values()
    }
    assert register_listed(world.tables, world.parts, known)[0] == 0


def test_an_object_that_returns_with_other_content_during_a_run_is_reported(new_world, bronze_table) -> None:
    world, known = lake(new_world, bronze_table, 3), Known()
    world.objects.delete(["s3://lake/raw/t001/first.json.gz"])
    assert register_listed(world.tables, world.parts, known) == (0, ())
    world.land("t001", "first", "other")
    new, (finding,) = register_listed(world.tables, world.parts, known)
    assert (new, finding.code, finding.severity) == (0, "raw.overwritten", "error")
