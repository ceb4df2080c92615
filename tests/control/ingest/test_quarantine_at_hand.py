"""Everything in quarantine is found without reading finished work."""

from collections import Counter
from typing import Any

import pytest

from control.errors import UpstreamError
from control.ingest import files, quarantine
from control.ports import Page

Found = tuple[list[str], list[str]]


def found_in_quarantine(world) -> Found:
    """Return the keys that `list` and `replay --table` find."""
    for stored in list(world.objects.list("s3://lake/quarantine/")):  # entries as the parser writes them
        world.objects.put(stored.uri, b'{"line":2,"reason":"bad"}\n')
    listed = [entry.key for entry in quarantine.refused(world.parts, "review")]
    return listed, [file.key for file, _ in quarantine.open_files("review", world.parts)]


@pytest.fixture
def refusing(world):
    """A world with a refused line, a refused file and a clean file, each in its own batch."""
    for name, *lines in (("bad", "1", "bad 2"), ("refused", "!refuse"), ("clean", "3")):
        world.land("review", name, *lines)
        world.run()
    return world


BAD, REFUSED = "raw/review/bad.json.gz", "raw/review/refused.json.gz"


def test_a_manifest_that_was_changed_is_not_believed(refusing) -> None:
    for stored in list(refusing.objects.list("s3://lake/attempts/review/")):
        if stored.key.endswith("manifest.json"):
            refusing.objects.put(stored.uri, refusing.objects.get(stored.uri) + b" ")
    with pytest.raises(UpstreamError, match=r"manifest\.json is not what was sealed"):
        list(quarantine.refused(refusing.parts, "review"))
    with pytest.raises(UpstreamError, match=r"manifest\.json is not what was sealed"):
        files.show(refusing.parts, refusing.files("review")["bad"].file_id)


def test_finding_refusals_reads_no_finished_work(refusing, monkeypatch) -> None:
    def asked() -> Counter[str]:
        seen: Counter[str] = Counter()
        with monkeypatch.context() as patched:
            for name in ("get", "get_many", "query"):
                patched.setattr(refusing.store, name, counted(getattr(refusing.store, name), name, seen))
            patched.setattr(refusing.objects, "get", counted(refusing.objects.get, "objects", seen))
            listed, replayed = found_in_quarantine(refusing)
        assert (listed, sorted(replayed)) == ([REFUSED, BAD], [BAD, REFUSED])
        return seen

    before = asked()
    for number in range(30):
        refusing.land("review", f"clean{number}", "1")
        refusing.run()
    assert asked() == before
    assert before["items"] <= 20


def test_listing_open_refusals_reads_no_objects_of_waived_or_accepted_ones(refusing, monkeypatch) -> None:
    """There may be years of lines that were waived or accepted later, and the panel polls every 10 s."""
    for number in range(12):
        refusing.land("review", f"bad{number}", "1", "bad 2")
        refusing.run()
    found_in_quarantine(refusing)
    for file, batch in list(quarantine.open_files("review", refusing.parts)):
        if file.key == "raw/review/bad3.json.gz":
            refusing.engine.forgiving = True
            quarantine.ingest_again(file, batch, "accepted now", refusing.parts)
            refusing.run()
        elif file.key != BAD:
            quarantine.waive(file, "known", refusing.parts)
    read: list[str] = []
    get = refusing.objects.get
    monkeypatch.setattr(refusing.objects, "get", lambda uri: read.append(uri) or get(uri))
    assert [entry.key for entry in quarantine.refused(refusing.parts, "review", waived=False)] == [BAD]
    assert len(read) == 1, "the manifest of its batch"
    assert len(list(quarantine.refused(refusing.parts, "review"))) == 13


def test_refusals_missing_in_the_index_are_found(refusing, monkeypatch) -> None:
    """Another version published the batch, or the index does not have it yet."""
    query = refusing.store.query

    def lacking(*args: Any, place: str | None = None, **options: Any) -> Page[Any]:
        return Page((), None) if place == "quarantined" else query(*args, place=place, **options)

    monkeypatch.setattr(refusing.store, "query", lacking)
    listed, replayed = found_in_quarantine(refusing)
    assert (listed, sorted(replayed)) == ([REFUSED, BAD], [BAD, REFUSED])


def test_refusals_of_a_batch_with_unswept_leftovers_are_found(world) -> None:
    world.land("review", "bad", "1", "bad 2")
    world.engine.objects = Failing(world)
    world.run()
    [batch] = world.batches("review")
    assert (batch.state, batch.epoch, batch.swept) == ("published", 2, 0)
    assert found_in_quarantine(world) == ([BAD], [BAD])


class Failing:
    """An object store whose first read fails."""

    def __init__(self, world) -> None:
        self.world = world

    def open(self, *_: object) -> None:
        self.world.engine.objects = self.world.objects
        raise RuntimeError


def counted(method, name: str, seen: Counter[str]):
    def call(*args: Any, **options: Any) -> Any:
        answer = method(*args, **options)
        seen[name] += 1
        seen["items"] += len(answer.items) if name == "query" else len(answer) if name == "get_many" else 0
        return answer

    return call
