from dataclasses import replace

from control.ingest.listing import register_listed
from control.ingest.plan import plan


def planned(world, *sizes: int, choice: str = "auto") -> list[list[int]]:
    """Return the file sizes of each planned batch."""
    for number, size in enumerate(sizes):
        world.land("review", f"{number:03}", "x" * size)
    register_listed(["review"], world.parts)
    by_id = {file.file_id: file for file in world.files("review").values()}
    return [
        [by_id[file_id].size_bytes for file_id in batch.file_ids]
        for batch in plan("review", world.parts, world.rules, choice)
    ]


def test_batches_respect_the_maximum_number_of_files(world) -> None:
    world.rules = replace(world.rules, light_files=2)
    assert planned(world, 1, 1, 1, 1, 1) == [[1, 1], [1, 1], [1]]


def test_batches_respect_the_maximum_bytes_and_a_large_file_is_alone(world) -> None:
    world.rules = replace(world.rules, light_bytes=10)
    assert planned(world, 6, 4, 1, 99, 2) == [[6, 4], [1], [99], [2]]


def test_one_pass_plans_a_bounded_number_of_files(world) -> None:
    world.rules = replace(world.rules, planned_files=3)
    assert planned(world, 1, 1, 1, 1, 1) == [[1, 1, 1]]
    assert planned(world) == [[1, 1]]


def test_planning_again_plans_nothing(world) -> None:
    assert planned(world, 1, 2) == [[1, 2]]
    assert planned(world) == []


def test_a_plan_interrupted_before_assigning_files_is_repeated_identically(world) -> None:
    planned(world, 1, 2)
    (batch,) = world.batches("review")
    for file in world.files("review").values():
        world.store.update(file, replace(file, batch_id=None))
    assert planned(world) == [[1, 2]]
    assert world.batches("review") == [batch]


def test_the_engine_follows_the_backlog_and_spark_takes_larger_batches(world) -> None:
    world.rules = replace(world.rules, spark_from_bytes=10, light_files=1)
    assert planned(world, 4, 5) == [[4], [5]]
    world.land("review", "003", "x" * 6)
    assert planned(world, 4, 5, 6) == [[6, 6]]
    assert [batch.engine for batch in world.batches("review")].count("spark") == 1


def test_an_explicit_engine_is_used(world) -> None:
    planned(world, 1, choice="spark")
    assert [batch.engine for batch in world.batches("review")] == ["spark"]


def test_keys_that_spark_cannot_read_go_to_the_light_engine(world) -> None:
    for name in ("a", "/b", "./c", "../d", "e.f"):
        world.land("review", name, "1")
    planned(world, choice="spark")
    keys = {file.file_id: file.key for file in world.files("review").values()}
    found = {batch.engine: sorted(keys[one] for one in batch.file_ids) for batch in world.batches("review")}
    assert {
        engine: [key.removeprefix("raw/review/") for key in listed] for engine, listed in found.items()
    } == {
        "light": ["../d.json.gz", "./c.json.gz", "/b.json.gz"],
        "spark": ["a.json.gz", "e.f.json.gz"],
    }
