"""The oracle's parsing rules on literal lines."""

import gzip
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from raw_records import read_file

HEADER = (
    "review_id,brewery_id,beer_id,profile_id,review_overall,review_aroma,review_appearance,review_palate,"
    "review_taste,review_time"
)
GOOD = "1,2,3,4,4.5,4,,3.5,4,1700000000"
BEER = {"beer_id": 3, "brewery_id": 2, "beer_name": "Cactus Queen IPA", "beer_style": "IPA", "beer_abv": None}
METADATA = {
    "record-type": "data",
    "operation": "insert",
    "stream-position": "0/16B3748",
    "transaction-record-id": 1,
}


def extract(folder, *lines, header=HEADER):
    path = folder / "part.csv.gz"
    path.write_bytes(
        gzip.compress(b"\n".join(x if isinstance(x, bytes) else x.encode() for x in (header, *lines)))
    )
    return read_file(path, "raw/review/epoch=1/extract=2/part.csv.gz")


def changes(folder, *lines):
    path = folder / "changes.json.gz"
    path.write_bytes(gzip.compress(b"\n".join(x if isinstance(x, bytes) else x.encode() for x in lines)))
    return read_file(path, "raw/beer/changes.json.gz")


def beer(data=None, metadata=None, **top):
    return json.dumps({"data": {**BEER, **(data or {})}, "metadata": {**METADATA, **(metadata or {})}, **top})


def test_a_valid_extract_line_becomes_a_load_with_the_number_of_its_extract(tmp_path):
    file, events = extract(tmp_path, GOOD)
    assert (file.lines, file.records, file.rows, file.quarantined) == (2, 1, 1, 0)
    assert events == [(1, (1, 0, 0, 2), False, (1, 2, 3, 4, 4.5, 4.0, None, 3.5, 4.0, 1700000000))]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD.replace("1,", "+1,", 1), "type:review_id"),
        (GOOD.replace("1,", "1e3,", 1), "type:review_id"),
        (GOOD.replace("1,", "1_0,", 1), "type:review_id"),
        (GOOD.replace("1,", "1.0,", 1), "type:review_id"),
        (GOOD.replace("1,", "9223372036854775808,", 1), "type:review_id"),
        (GOOD.replace("1,", "\u0661,", 1), "type:review_id"),
        (GOOD.replace("4.5", "NaN"), "type:review_overall"),
        (GOOD.replace("4.5", "1e400"), "type:review_overall"),
        (GOOD.replace("4.5", "5."), "type:review_overall"),
        (GOOD.replace("4.5", "NULL"), "type:review_overall"),
        (GOOD.replace("4.5", ""), "null:review_overall"),
        (GOOD[1:], "null:review_id"),
        (GOOD.rpartition(",")[0], "field_count"),
        (GOOD + ",", "field_count"),
        ("   ", "field_count"),
        (GOOD.replace("4.5", '"4.5'), "unbalanced_quote"),
        (GOOD.encode().replace(b"4.5", b"4\xff5"), "encoding"),
    ],
)
def test_only_the_invalid_line_of_an_extract_is_refused(tmp_path, line, reason):
    file, events = extract(tmp_path, "7" + GOOD, line, "8" + GOOD)
    assert file.reasons == [(3, reason)]
    assert [event.key for event in events] == [71, 81]


@pytest.mark.parametrize(
    "line", [GOOD.replace("1,", " -1\t,", 1), GOOD.replace("4.5", '"4.5"'), GOOD + "\r", "\n" + GOOD]
)
def test_spaces_quotes_line_ends_and_blank_lines_are_accepted(tmp_path, line):
    file, _ = extract(tmp_path, line)
    assert (file.rows, file.quarantined) == (1, 0)


def test_a_score_out_of_range_passes_the_parser(tmp_path):
    assert extract(tmp_path, GOOD.replace("4.5", "11"))[0].rows == 1


def test_a_wrong_header_or_a_truncated_gzip_fails_the_whole_file(tmp_path):
    assert extract(tmp_path, GOOD, header=HEADER.upper())[0].failure == "header"
    path = tmp_path / "part.csv.gz"
    path.write_bytes(path.read_bytes()[:-5])
    file, events = read_file(path, "raw/review/part.csv.gz")
    assert (file.failure, events) == ("gzip", [])


def test_every_member_of_a_gzip_is_read(tmp_path):
    path = tmp_path / "part.csv.gz"
    path.write_bytes(
        gzip.compress(f"{HEADER}\n1{GOOD}\n2".encode()) + gzip.compress(f"{GOOD}\n".encode()) + b"\0" * 9
    )
    assert read_file(path, "raw/review/part.csv.gz")[0].rows == 2


def test_a_file_with_too_many_bad_lines_is_refused_as_a_whole(tmp_path):
    assert extract(tmp_path, *["x"] * 100)[0].failure is None
    file, events = extract(tmp_path, *["x"] * 101, GOOD)
    assert (file.failure, file.records, file.quarantined, file.rows, events) == (
        "too_many_bad_records",
        102,
        102,
        0,
        [],
    )
    assert extract(tmp_path, *["x"] * 101, *[GOOD] * 2000)[0].failure is None


def test_several_records_on_one_line_all_count_and_control_records_count_separately(tmp_path):
    control = json.dumps({"control": {}, "metadata": {"record-type": "control", "operation": "create-table"}})
    file, events = changes(tmp_path, control, beer() + beer({"beer_id": 4}), "")
    assert (file.lines, file.records, file.rows, file.control) == (2, 3, 2, 1)
    assert [event.key for event in events] == [3, 4]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (beer({"beer_id": "3"}), "type:beer_id"),
        (beer({"beer_id": 3.5}), "type:beer_id"),
        (beer({"beer_id": True}), "type:beer_id"),
        (beer({"beer_abv": "4.5"}), "type:beer_abv"),
        (beer({"beer_name": 7}), "type:beer_name"),
        (beer({"beer_id": None}), "null:beer_id"),
        (beer({"colour": "pale"}), "unknown_key:colour"),
        (beer().replace('"beer_abv": null', '"beer_id": 3'), "duplicate_key"),
        (beer().replace(', "beer_abv": null', ""), "absent_key:beer_abv"),
        (beer(metadata={"stream-position": None}), "absent_key:stream-position"),
        (beer(metadata={"stream-position": "16B3748"}), "type:stream-position"),
        (beer({"beer_name": "\ud800"}), "encoding"),
        (beer().replace("IPA", "\\ud800"), "encoding"),
        (beer().replace("null", "NaN"), "json"),
        (beer()[:-9], "json"),
        ("  ", "json"),
        (beer().encode().replace(b"IPA", b"\xff"), "encoding"),
    ],
)
def test_an_invalid_change_record_is_refused(tmp_path, line, reason):
    file, events = changes(tmp_path, beer(), line, beer())
    assert file.reasons == [(2, reason)]
    assert len(events) == 2


def test_an_integral_float_is_an_integer_and_the_text_na_stays_text(tmp_path):
    _, events = changes(tmp_path, beer({"beer_name": "N/A"}).replace('"beer_id": 3', '"beer_id": 3.0e0'))
    assert events[0].values == (3, 2, "N/A", "IPA", None)


def test_positions_compare_as_numbers_and_loads_come_first(tmp_path):
    lines = [beer(metadata={"stream-position": text}) for text in ("0/FFFFFF8", "0/10000000", "1/0")]
    _, events = changes(tmp_path, *lines, beer(metadata={"operation": "load", "stream-position": "9/9"}))
    assert [event.seq for event in events] == [
        (1, 0xFFFFFF8, 1, 1),
        (1, 0x10000000, 1, 1),
        (1, 1 << 32, 1, 1),
        (1, 0, 0, 1),
    ]


def test_a_delete_needs_only_its_key(tmp_path):
    line = json.dumps({"data": {"beer_id": 3}, "metadata": {**METADATA, "operation": "delete"}})
    _, events = changes(tmp_path, line)
    assert [(event.key, event.deleted) for event in events] == [(3, True)]


def test_changing_a_key_also_deletes_the_old_one(tmp_path):
    _, events = changes(
        tmp_path, beer(metadata={"operation": "update"}, **{"before-image": {**BEER, "beer_id": 2}})
    )
    assert [(event.key, event.deleted) for event in events] == [(3, False), (2, True)]
