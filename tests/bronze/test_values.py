"""What each type reads from a CSV field and from a JSON value, and what it refuses."""

import base64

import pytest
from csv_value_cases import REASONS, TEXTS
from json_value_cases import VALUES
from raw_files import changes, contract, csv, outcomes, record

CONTRACTS = {kind: contract("id bigint key", f"value {kind}", maxBadRatio=1) for kind in TEXTS}
NOT_UTF8 = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"]


def line(value: str) -> str:
    return f'{{"data":{{"id":1,"value":{value}}},"metadata":{{"record-type":"data","operation":"load"}}}}'


@pytest.mark.parametrize("kind", TEXTS)
def test_a_csv_field_is_read_by_its_type(kind):
    cases = TEXTS[kind]
    found = csv(CONTRACTS[kind], *(f"1,{written}" for written in cases))
    became = dict(zip(cases, outcomes(found, range(2, 2 + len(cases))), strict=True))
    assert became == {
        written: w if w in REASONS and kind != "string" else repr(w) for written, w in cases.items()
    }


@pytest.mark.parametrize("kind", TEXTS)
def test_an_empty_field_is_null_or_refused_when_required(kind):
    assert csv(CONTRACTS[kind], "1,", '2,""').reasons == [(2, "null:value"), (3, "null:value")]
    optional = contract("id bigint key", f"value {kind}?")
    assert csv(optional, "1,", '2,""').column("value") == [None, None]


@pytest.mark.parametrize("written", NOT_UTF8)
def test_a_byte_that_is_not_utf8_refuses_only_its_csv_line(written):
    found = csv(CONTRACTS["string"], b"1,a", b"2,b" + written, "3,é")
    assert found.reasons == [(3, "encoding")]
    assert found.column("value") == ["a", "é"]
    assert base64.b64decode(found.quarantine[0]["raw_base64"]) == b"2,b" + written


@pytest.mark.parametrize("kind", VALUES)
def test_a_json_value_is_read_by_its_type(kind):
    cases = VALUES[kind]
    found = changes(CONTRACTS[kind], *map(line, cases))
    became = dict(zip(cases, outcomes(found, range(1, 1 + len(cases))), strict=True))
    assert became == {written: w if w in REASONS else repr(w) for written, w in cases.items()}


@pytest.mark.parametrize("kind", VALUES)
def test_a_json_null_is_null_or_refused_when_required(kind):
    null = record({"id": 1, "value": None})
    assert changes(CONTRACTS[kind], null).reasons == [(1, "null:value")]
    assert changes(contract("id bigint key", f"value {kind}?"), null).column("value") == [None]


@pytest.mark.parametrize("written", NOT_UTF8)
def test_a_byte_that_is_not_utf8_refuses_only_its_json_line(written):
    good = line('"é"').encode()
    found = changes(CONTRACTS["string"], good, good.replace("é".encode(), written), good)
    assert found.reasons == [(2, "encoding")]
    assert found.column("value") == ["é", "é"]
