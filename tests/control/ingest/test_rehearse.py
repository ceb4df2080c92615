import gzip
import json
from pathlib import Path

import pytest

import bronze_kernel
from bronze import kernel
from control.errors import ContractError, DataError, UsageError
from control.ingest.listing import register_listed
from control.ingest.rehearse import Rehearsal, rehearse

BEER = Path(__file__).parents[3] / "contracts/bronze/beer.yaml"
PROFILE = BEER.with_name("profile.yaml")


def of_kind(records: str) -> str:
    """Return the contract of profiles with another kind of records."""
    own = f"- property: records\n        value: {records}\n      - property: multiline"
    return PROFILE.read_text().replace("- property: multiline", own, 1)


def change(**data: object) -> str:
    metadata = {
        "operation": "insert",
        "record-type": "data",
        "stream-position": "0/16B3748",
        "transaction-record-id": 1,
    }
    return json.dumps({"data": data, "metadata": metadata})


def beer(number: int, abv: float | None) -> str:
    return change(beer_id=number, brewery_id=1, beer_name=f"Beer {number}", beer_style="Porter", beer_abv=abv)


def landed(world, table: str, *lines: str) -> None:
    world.objects.put(f"s3://lake/raw/{table}/a.json.gz", gzip.compress("\n".join(lines).encode()))
    register_listed(world.tables, world.parts)


def rehearsed(world, text: str, sample: int = 3) -> Rehearsal:
    return rehearse(text, "new.yaml", world.parts, days=7, most=9, sample=sample, said=lambda file: None)


def test_a_contract_that_accepts_everything_refuses_nothing(world) -> None:
    landed(world, "beer", beer(1, 5.0), beer(2, None))
    found = rehearsed(world, BEER.read_text())
    assert (found.files, found.records, found.rows, found.quarantined, found.reasons) == (1, 2, 2, 0, {})


def test_a_stricter_contract_counts_refusals_by_reason_and_shows_samples(world) -> None:
    landed(world, "beer", *(beer(n, None if n % 4 == 0 else 5.0) for n in range(1, 101)))
    text = BEER.read_text()
    at = text.index("name: beer_abv")
    stricter = text[:at] + text[at:].replace(
        "physicalType: double", "physicalType: double\n        required: true", 1
    )
    found = rehearsed(world, stricter, sample=2)
    assert (found.records, found.rows, found.quarantined) == (100, 75, 25)
    assert found.reasons == {"null:beer_abv": 25}
    assert [(s.line, s.reason) for s in found.samples] == [(4, "null:beer_abv"), (8, "null:beer_abv")]
    assert "Beer 4" in found.samples[0].raw


def test_personal_values_are_masked_in_samples(world) -> None:
    world.tables["profile"] = world.tables["beer"]
    secret = "someone@example.org"
    good = change(profile_id=1, profile_name="Someone", email=secret, state=3)
    landed(world, "profile", good, f'{{"data": {{"email": "{secret}"', "not json " + secret)
    found = rehearsed(world, PROFILE.read_text())
    assert found.quarantined == 3
    assert found.samples
    shown = json.dumps([s.raw for s in found.samples])
    assert secret not in shown
    assert "Someone" not in shown
    assert '\\"state\\": 3' in shown, "values that are not personal must be shown"


def test_the_value_of_an_unknown_key_is_masked(world) -> None:
    world.tables["profile"] = world.tables["beer"]
    landed(
        world, "profile", change(profile_id=1, profile_name="Ann", email="a@b.org", state="x", phone="555")
    )
    found = rehearsed(world, PROFILE.read_text())
    assert [sample.reason for sample in found.samples] == ["unknown_key:phone"]
    assert "555" not in found.samples[0].raw


@pytest.mark.parametrize("wrapped", [False, True])
def test_personal_values_in_debezium_before_and_after_images_are_masked(world, wrapped: bool) -> None:
    world.tables["profile"] = world.tables["beer"]
    row = {"profile_id": "x", "profile_name": "Ann", "email": "a@b.org", "state": "BE"}
    record = {"before": row, "after": row, "source": {"sequence": '[null,"7"]'}, "op": "u", "note": "Ann"}
    landed(world, "profile", json.dumps({"payload": record, "schema": {}} if wrapped else record))
    named = PROFILE.read_text().replace(
        "- property: multiline",
        "- property: records\n        value: debezium\n      - property: multiline",
        1,
    )
    found = rehearsed(world, named)
    assert [sample.reason for sample in found.samples] == ["type:profile_id"]
    shown = found.samples[0].raw
    assert "Ann" not in shown
    assert "a@b.org" not in shown
    assert shown.count("BE") == 2
    assert "null" in shown, "the position in the log is not personal"


def test_in_plain_records_metadata_is_an_ordinary_column(world) -> None:
    world.tables["profile"] = world.tables["beer"]
    landed(world, "profile", '{"profile_id": "x", "metadata": "Ann"}')
    plain = of_kind("plain")
    found = rehearsed(world, plain)
    assert "Ann" not in found.samples[0].raw


def test_csv_samples_are_split_at_the_delimiter_of_the_contract(world) -> None:
    world.tables["profile"] = world.tables["beer"]
    lines = "profile_id;profile_name;email;state\nx;Ann, Bob, Cid;a@b.org, c@b.org;9\n1;Dan;d@b.org;9\n"
    world.objects.put("s3://lake/raw/profile/a.csv", lines.encode())
    register_listed(world.tables, world.parts)
    semicolons = "- property: delimiter\n        value: ';'\n      - property: multiline"
    found = rehearsed(world, PROFILE.read_text().replace("- property: multiline", semicolons, 1))
    assert [sample.raw for sample in found.samples] == ["x;***;***;9"]


def test_personal_values_are_found_by_their_raw_names(world) -> None:
    world.tables["profile"] = world.tables["beer"]
    good = change(profile_id=1, profile_name="Ann", Mail="a@b.org", email="x", state="s")
    landed(world, "profile", good)
    named = PROFILE.read_text().replace(
        "- property: token\n", "- property: rawName\n            value: Mail\n          - property: token\n"
    )
    found = rehearsed(world, named)
    assert [sample.reason for sample in found.samples] == ["unknown_key:email"]
    assert "a@b.org" not in found.samples[0].raw


def test_a_rehearsal_leaves_no_objects_and_no_batches(world) -> None:
    landed(world, "beer", beer(1, 5.0))
    before = {found.uri for found in world.objects.list("s3://lake/")}
    rehearsed(world, BEER.read_text())
    assert {found.uri for found in world.objects.list("s3://lake/")} == before
    assert world.batches("beer") == []


def test_a_parser_without_its_kernel_says_how_to_get_one(world, monkeypatch) -> None:
    landed(world, "beer", *(beer(n, 5.0) for n in range(1_000)))
    kernel._library.cache_clear()
    monkeypatch.setattr(bronze_kernel, "is_stale", lambda: True)
    with pytest.raises(UsageError) as caught:
        rehearsed(world, BEER.read_text())
    assert "make kernel" in caught.value.hint


def test_a_missing_recent_file_and_an_unusable_contract_are_reported(world) -> None:
    with pytest.raises(DataError, match="no raw file of beer has landed"):
        rehearsed(world, BEER.read_text())
    with pytest.raises(ContractError, match=r"new\.yaml"):
        rehearsed(world, BEER.read_text().replace("kind: DataContract", "kind: Other"))
