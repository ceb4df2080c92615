"""Objects under `raw/` that nothing ingests: one alert per folder, until the folder is clean again."""

import json
from collections.abc import Callable
from dataclasses import replace

import notifications
import pytest
from raising import raising

from control.adapters.memory import MemoryObjects
from control.errors import ConflictError
from control.ingest import alerts, strays
from control.ingest.events import register_all
from control.ingest.listing import register_listed
from control.model import Finding, Stray
from control.ports import StoredObject

WINE = "s3://lake/raw/wine/a.csv.gz"
ODD = "s3://lake/raw/review/a.txt"
dying = raising(KeyboardInterrupt())


def alerted(world) -> list[str]:
    """Return kind and folder of each alert in the outbox."""
    found = [json.loads(world.objects.get(o.uri)) for o in world.objects.list("s3://lake/alerts/outbox/")]
    return sorted(f"{one['kind']} {one['table']}" for one in found)


def severities(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(found.where, found.severity) for found in findings]


def stored(world, uri: str) -> StoredObject:
    return next(found for found in world.objects.list(uri) if found.is_latest)


@pytest.fixture
def versioned(world):
    """A world whose bucket keeps versions."""
    world.objects = MemoryObjects(versioned=True)
    world.__post_init__()
    return world


@pytest.mark.parametrize(("uri", "code"), [(WINE, strays.UNKNOWN_TABLE), (ODD, strays.KEY)])
def test_a_stray_is_alerted_once_until_it_is_gone_and_again_when_it_returns(world, uri, code) -> None:
    folder = f"raw/{uri.split('/')[4]}/"
    for round_ in (1, 2):
        world.objects.put(uri, b"x")
        assert severities(world.run().findings) == [(folder, "error")]
        for _ in range(3):
            world.clock.sleep(100_000)
            findings = world.run().findings
            assert severities(findings) == [(folder, "warning")]
            alerts.note(findings, world.parts)
        assert alerted(world) == [f"{code} {folder}"] * round_
        assert [stray.incident for stray in strays.standing(world.parts)] == [round_]
        world.objects.delete([uri])
        assert world.run().findings == ()
        assert strays.standing(world.parts) == []
        world.clock.sleep(100_000)


def test_the_first_error_does_not_cause_a_second_alert(world) -> None:
    world.objects.put(WINE, b"x")
    assert alerts.note(world.run().findings, world.parts) == 0
    assert alerted(world) == ["raw.unknown_table raw/wine/"]


def test_the_message_gives_count_start_examples_and_what_to_do(world) -> None:
    world.objects.put(WINE, b"x")
    world.run()
    world.clock.sleep(100_000)
    world.objects.put("s3://lake/raw/wine/b.csv.gz", b"x")
    [finding] = world.run().findings
    assert finding.message == (
        "2 object(s) belong to no table that has a contract, since 2026-01-02 23:59 UTC; for "
        "example raw/wine/a.csv.gz, raw/wine/b.csv.gz; nobody ingests them: land them in the folder of a "
        "table and delete these, or write a contract: `dm contract new`"
    )
    world.objects.put(ODD, b"x")
    [odd, _] = world.run().findings
    assert "raw/review/a.txt (is neither .csv nor .json, plain or compressed as .gz or .zst)" in odd.message
    assert "docs/raw-files.md" in odd.message


def test_each_folder_is_an_incident_of_its_own(world) -> None:
    world.objects.put(WINE, b"x")
    world.run()
    world.objects.put("s3://lake/raw/cider/a.csv.gz", b"x")
    world.objects.put("s3://lake/raw/a.csv.gz", b"x")
    assert severities(world.run().findings) == [
        ("raw/", "error"),
        ("raw/cider/", "error"),
        ("raw/wine/", "warning"),
    ]
    assert len(alerted(world)) == 3


def test_many_folders_share_one_alert(world) -> None:
    uris = [f"s3://lake/raw/{number:03}/a.csv.gz" for number in range(100)]
    for uri in uris:
        world.objects.put(uri, b"x")
    world.run()
    assert len(alerted(world)) == strays.MOST_FOLDERS + 1
    rest = strays.standing(world.parts)[-1]
    assert (rest.folder, rest.count) == (strays.REST, 100 - strays.MOST_FOLDERS)
    world.objects.delete(uris[:50])  # all folders with an incident of their own, and some of the rest
    world.objects.put("s3://lake/raw/zzz/a.csv.gz", b"x")
    for _ in range(2):  # the rest stays one incident, although there is room now
        world.run()
        assert [(one.folder, one.count) for one in strays.standing(world.parts)] == [(strays.REST, 51)]
    assert len(alerted(world)) == strays.MOST_FOLDERS + 1
    world.objects.delete([*uris, "s3://lake/raw/zzz/a.csv.gz"])
    assert world.run().findings == ()
    assert strays.standing(world.parts) == []


def test_a_contract_ends_the_incident_of_its_folder(world) -> None:
    world.land("beer", "a", "1")
    beer = world.tables.pop("beer")
    world.run()
    assert alerted(world) == ["raw.unknown_table raw/beer/"]
    world.tables["beer"] = beer
    assert world.run().findings == ()
    assert strays.standing(world.parts) == []
    assert world.visible("beer") == {1: ["1"]}


def test_a_run_of_one_table_neither_reports_nor_closes_incidents_elsewhere(world) -> None:
    world.land("beer", "a", "1")
    for uri in (WINE, ODD, "s3://lake/raw/beer/a.txt"):
        world.objects.put(uri, b"x")
    beer = {"beer": world.tables["beer"]}
    assert [finding.where for finding in register_listed(beer, world.parts, others=["review"])[1]] == [
        "raw/beer/"
    ]
    register_listed(world.tables, world.parts)
    assert len(alerted(world)) == 3
    world.objects.delete([WINE, ODD])
    assert [finding.where for finding in register_listed(beer, world.parts, others=["review"])[1]] == [
        "raw/beer/"
    ]
    assert [one.folder for one in strays.standing(world.parts)] == ["raw/beer/", "raw/review/", "raw/wine/"]
    register_listed(
        [], world.parts, others=["beer", "review"]
    )  # looks at all folders, but at no keys in folders of tables
    assert [one.folder for one in strays.standing(world.parts)] == ["raw/beer/", "raw/review/"]
    register_listed(world.tables, world.parts)
    assert [one.folder for one in strays.standing(world.parts)] == ["raw/beer/"]


def test_only_the_newest_version_of_an_object_counts(versioned) -> None:
    for _ in range(3):
        versioned.objects.put(WINE, b"x")
        versioned.objects.put(ODD, b"x")
    versioned.run()
    assert [one.count for one in strays.standing(versioned.parts)] == [1, 1]


@pytest.mark.parametrize("uri", [WINE, ODD])
def test_a_notified_stray_is_alerted_by_the_next_pass_without_a_listing(world, uri) -> None:
    world.run(listing="when_due")
    world.objects.put(uri, b"x")
    for _ in range(2):
        assert register_all(notifications.event_bridge(stored(world, uri)), world.tables, world.parts) == 0
    [stray] = strays.standing(world.parts)
    assert (stray.count, stray.told, alerted(world)) == (1, False, [])
    assert severities(world.run(listing="when_due").findings) == [(stray.folder, "error")]
    assert world.run(listing="when_due").findings == ()
    assert severities(world.run().findings) == [(stray.folder, "warning")]
    assert alerted(world) == [f"{stray.code} {stray.folder}"]


def test_a_late_notification_of_a_deleted_or_overwritten_object_is_ignored(versioned) -> None:
    versioned.objects.put(WINE, b"x")
    versioned.objects.put(f"{WINE}.bak", b"x")
    first = notifications.event_bridge(stored(versioned, WINE))
    versioned.objects.put(WINE, b"y")
    register_all(first, versioned.tables, versioned.parts)
    assert strays.standing(versioned.parts) == []
    last = notifications.event_bridge(stored(versioned, WINE))
    versioned.objects.delete([WINE])
    register_all(last, versioned.tables, versioned.parts)
    assert strays.standing(versioned.parts) == []


def test_an_object_with_a_longer_key_is_not_mistaken_for_the_deleted_one(world) -> None:
    world.objects.put(WINE, b"x")
    world.objects.put(f"{WINE}.bak", b"x")
    body = notifications.event_bridge(stored(world, WINE))
    world.objects.delete([WINE])
    register_all(body, world.tables, world.parts)
    assert strays.standing(world.parts) == []


@pytest.mark.parametrize("gone", [False, True])
def test_a_notified_stray_is_alerted_even_by_a_listing_that_does_not_find_it(world, gone) -> None:
    world.objects.put(WINE, b"x")
    register_all(notifications.event_bridge(stored(world, WINE)), world.tables, world.parts)
    if gone:
        world.objects.delete([WINE])
        register_listed(world.tables, world.parts)
    else:
        register_listed(["review"], world.parts, others=["beer"])  # this listing does not look there
    assert alerted(world) == ["raw.unknown_table raw/wine/"]
    assert len(strays.standing(world.parts)) == (not gone)


def test_a_notification_of_a_table_left_to_other_runs_is_ignored(world) -> None:
    world.objects.put(WINE, b"x")
    event = notifications.event_bridge(stored(world, WINE))
    assert register_all(event, ["review"], world.parts, others=["wine"]) == 0
    assert strays.standing(world.parts) == []


def test_a_key_that_is_not_valid_text_is_ignored(world) -> None:
    world.objects.put("s3://lake/raw/wine/a.csv", b"x")
    body = notifications.s3(stored(world, "s3://lake/raw/wine/a.csv")).replace("a.csv", "%FF.csv")
    assert register_all(body, world.tables, world.parts) == 0
    assert strays.standing(world.parts) == []


def test_stored_keys_have_terminal_control_characters_escaped(world) -> None:
    world.objects.put("s3://lake/raw/\x1b[31m/\x1b[31mred.csv", b"1")
    world.run()
    [stray] = strays.standing(world.parts)
    assert (stray.folder, stray.examples) == ("raw/\\x1b[31m/", ("raw/\\x1b[31m/\\x1b[31mred.csv",))


@pytest.mark.parametrize("died", ["before it wrote the alert", "before it recorded that"])
def test_after_a_process_dies_the_alert_is_repeated_under_the_same_id(world, monkeypatch, died) -> None:
    world.objects.put(WINE, b"x")
    with monkeypatch.context() as patched:
        if died == "before it wrote the alert":
            patched.setattr(alerts, "put", dying)
        else:
            patched.setattr(world.store, "update", dying_at(lambda new: isinstance(new, Stray), world))
        with pytest.raises(KeyboardInterrupt):
            world.run()
    assert severities(world.run().findings) == [("raw/wine/", "error")]
    assert len(alerted(world)) == 1
    assert severities(world.run().findings) == [("raw/wine/", "warning")]


def test_of_two_concurrent_listings_only_one_begins_the_incident(world) -> None:
    world.objects.put(WINE, b"x")
    before = strays.remembered(world.parts)
    world.run()
    assert severities(look(world, before)) == [("raw/wine/", "warning")]
    world.objects.delete([WINE])
    world.run()
    world.objects.put(WINE, b"x")
    before = strays.remembered(world.parts)
    world.run()
    assert severities(look(world, before)) == [("raw/wine/", "warning")]
    assert len(alerted(world)) == 2


def test_a_slow_listing_does_not_reopen_an_incident_that_has_ended(world) -> None:
    world.objects.put(WINE, b"x")
    never = strays.remembered(world.parts)
    seen = sight(world, never)
    world.run()
    once = strays.remembered(world.parts)
    world.objects.delete([WINE])
    world.run()
    assert list(strays.note(seen, never, lambda _: True, {}, world.parts)) == []
    for before in (never, once):
        findings = strays.note(seen, before, lambda _: True, {}, world.parts)
        assert "error" not in {finding.severity for finding in findings}
        assert (strays.standing(world.parts), len(alerted(world))) == ([], 1)


def test_a_slow_listing_does_not_end_an_incident_that_began_since(world) -> None:
    world.objects.put(WINE, b"x")
    world.run()
    before = strays.remembered(world.parts)
    world.objects.delete([WINE])
    world.run()
    world.objects.put(WINE, b"x")
    world.run()
    assert list(strays.note(strays.sightings(before), before, lambda _: True, {}, world.parts)) == []
    assert [(one.incident, one.told) for one in strays.standing(world.parts)] == [(2, True)]


def test_an_incident_that_another_process_began_but_did_not_alert_is_alerted(world, monkeypatch) -> None:
    """Another process began the incident and died; this listing started before it could know of that."""
    world.objects.put(WINE, b"x")
    before = strays.remembered(world.parts)
    register_all(notifications.event_bridge(stored(world, WINE)), world.tables, world.parts)
    assert severities(look(world, before)) == [("raw/wine/", "error")]
    assert len(alerted(world)) == 1


def sight(world, before: dict[str, Stray]) -> strays.Sightings:
    seen = strays.sightings(before)
    for found in world.objects.list("s3://lake/raw/"):
        seen.add(strays.UNKNOWN_TABLE, found.key)
    return seen


def look(world, before: dict[str, Stray]) -> tuple[Finding, ...]:
    """Return the findings of a listing that began when the store held `before`."""
    return tuple(strays.note(sight(world, before), before, lambda _: True, {}, world.parts))


def dying_at(fatal: Callable[[object], bool], world) -> Callable[..., object]:
    update = world.store.update

    def call(old: object, new: object) -> object:
        return dying() if fatal(new) else update(old, new)

    return call


def test_open_incidents_are_found_without_reading_closed_ones(world, monkeypatch) -> None:
    for number in range(10):
        world.objects.put(f"s3://lake/raw/{number}/a.csv", b"x")
    world.run()
    world.objects.delete(f"s3://lake/raw/{number}/a.csv" for number in range(9))
    world.run()
    read: list[str] = []
    get_many = world.store.get_many
    monkeypatch.setattr(world.store, "get_many", lambda *args: read.extend(args[2]) or get_many(*args))
    [stray] = strays.standing(world.parts)
    assert (stray.folder, read) == ("raw/9/", [stray.id])


def test_a_stale_index_entry_of_a_closed_incident_is_ignored(world, monkeypatch) -> None:
    world.objects.put(WINE, b"x")
    register_all(notifications.event_bridge(stored(world, WINE)), world.tables, world.parts)
    late = world.store.query(Stray, "", place="open")
    world.objects.delete([WINE])
    world.run()
    query = world.store.query

    def lagging(kind, *args, **options):
        return late if kind is Stray and options.get("place") else query(kind, *args, **options)

    monkeypatch.setattr(world.store, "query", lagging)
    assert strays.standing(world.parts) == []


def test_a_conflict_on_one_incident_does_not_stop_the_alerts_of_others(world, monkeypatch) -> None:
    world.objects.put(WINE, b"x")
    world.objects.put(ODD, b"x")
    update = world.store.update

    def conflicting(old: object, new: object) -> object:
        if isinstance(new, Stray) and new.told and new.code == strays.KEY:
            raise ConflictError("has moved on")
        return update(old, new)

    monkeypatch.setattr(world.store, "update", conflicting)
    world.run()
    assert len(alerted(world)) == 2


def test_an_incident_is_identified_by_code_and_folder() -> None:
    from datetime import UTC, datetime

    one = Stray("a", "b", 1, datetime(2026, 1, 2, tzinfo=UTC), 1, ())
    assert one.id == replace(one, incident=2, told=True, gone=True, count=9).id
    assert len({one.id, replace(one, code="b").id, replace(one, folder="a").id}) == 3
