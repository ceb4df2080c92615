"""Nested JSON is read to a fixed depth, independent of an engine's stack; deeper lines are refused."""

import json

import pytest
from raw_files import changes, contract, csv, record

DEEPEST = 200
# A value of `data` is inside two objects: the record and `data`.
AROUND = 2
POLICIES = ("evolve", "discard")


def nest(depth: int, *, by: str = "[]") -> str:
    return by[0] * depth + by[1] * depth


def deep(value: str) -> str:
    return json.dumps(record({"id": 1, "more": "?"})).replace('"?"', value)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_record_of_the_maximum_depth_is_a_row(policy: str) -> None:
    found = changes(contract("id bigint key", unknownKeys=policy), deep(nest(DEEPEST - AROUND)))
    assert (len(found.rows), found.report.quarantined) == (1, 0)


@pytest.mark.parametrize("depth", [DEEPEST - AROUND + 1, 600, 900, 5_000])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_deeper_record_is_refused_and_its_neighbours_are_rows(policy: str, depth: int) -> None:
    good = record({"id": 2})
    found = changes(contract("id bigint key", unknownKeys=policy), good, deep(nest(depth)), good)
    assert (len(found.rows), found.report.reasons) == (2, {"json": 1})


def test_brackets_side_by_side_or_in_a_string_do_not_count_as_depth() -> None:
    beside, in_a_text = f"[{','.join(['[]'] * 500)}]", f'"{nest(500)}"'
    found = changes(contract("id bigint key", unknownKeys="evolve"), deep(beside), deep(in_a_text))
    assert (len(found.rows), found.report.quarantined) == (2, 0)


def test_json_in_a_csv_field_has_the_same_maximum_depth() -> None:
    found = csv(
        contract("id bigint key", "tags array<bigint>?"), f"1,{nest(DEEPEST)}", f"2,{nest(DEEPEST + 1)}"
    )
    assert found.reasons == [(2, "type:tags[]"), (3, "json:tags")]
