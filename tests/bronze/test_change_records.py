"""Change records of DMS: envelopes, keys, several records on a line, control records, sequence."""

import json
from datetime import datetime

import pytest
from raw_files import changes, contract, record

THING = contract("id bigint key", "name string?", "score double?")
COMPOSITE = contract("shop string key", "id bigint key", "name string?")
DATA = {"id": 1, "name": "a", "score": 1.5}


def with_data(**data: object):
    return record({**DATA, **data})


def without(name: str):
    return record({key: value for key, value in DATA.items() if key != name})


def test_a_change_is_a_row_with_its_log_position():
    found = changes(THING, record(DATA, "update", transaction_record_id=7), epoch=3, file_id="f-1")
    assert found.rows == [
        {
            **DATA,
            "_seq": "0000000003.00000000016B3748.1.00000000000000000007",
            "_rev": 4_001_002_003,
            "_op": "update",
            "_key_before": None,
            "_committed_at": datetime(2024, 5, 6, 7, 8, 9, 123456),
            "_file_id": "f-1",
            "_line": 1,
            "_record": 0,
        }
    ]


def test_a_load_has_the_lowest_position_and_its_extract_as_order():
    load = record(DATA, "load", transaction_record_id=7)
    none = record(DATA, "load", stream_position=None)
    broken = record(DATA, "load", stream_position="?")
    found = changes(THING, load, none, broken, extract=5)
    assert found.column("_seq") == ["0000000001.0000000000000000.0.00000000000000000005"] * 3


def test_a_missing_order_is_zero():
    found = changes(THING, with_data(), record(DATA, transaction_record_id=0))
    assert {seq.split(".")[3] for seq in found.column("_seq")} == {"0" * 20}


@pytest.mark.parametrize(
    ("kind", "written", "place"),
    [
        ("lsn", "0/16B3748", "00000000016B3748"),
        ("lsn", "0/16b3748", "00000000016B3748"),
        ("lsn", "FFFFFFFF/FFFFFFFF", "FFFFFFFFFFFFFFFF"),
        ("lsn", "00000002/7C007178.3.00000002/7C007178", "000000027C007178"),
        ("binlog", "mysql-bin-changelog.000024:373", "0000000024" + "373".zfill(20)),
        ("binlog", "mysql-bin.1:4:-1:2002:677:x", "0000000001" + "4".zfill(20)),
        ("number", "42", "42".zfill(20)),
        ("number", 42, "42".zfill(20)),
        ("number", "0", "0" * 20),
        ("timestamp", "2024-05-06T07:08:09.123456Z", "1714979289123456".zfill(20)),
        ("timestamp", "2024-05-06T07:08:09+01:00", "1714975689000000".zfill(20)),
        ("timestamp", None, "1714979289123456".zfill(20)),
    ],
)
def test_a_position_is_normalised_to_its_kind(kind, written, place):
    rules = contract("id bigint key", position=kind)
    quick, slow = (
        record({"id": 1}, stream_position=written),
        record({"id": 1}, stream_position=written, x=1.5),
    )
    found = changes(rules, *[quick] * 30, slow)
    assert {seq.split(".")[1] for seq in found.column("_seq")} == {place}
    assert found.report.rows == 31


@pytest.mark.parametrize(
    ("kind", "written", "reason"),
    [
        ("lsn", None, "absent_key:stream-position"),
        ("lsn", "", "type:stream-position"),
        ("lsn", "0/g", "type:stream-position"),
        ("lsn", "0/123456789", "type:stream-position"),
        ("lsn", "16B3748", "type:stream-position"),
        ("lsn", 16, "type:stream-position"),
        ("binlog", "24:373", "type:stream-position"),
        ("binlog", "mysql-bin.000024", "type:stream-position"),
        ("number", "-1", "type:stream-position"),
        ("number", -1, "type:stream-position"),
        ("number", 1.5, "type:stream-position"),
        ("number", "1" * 21, "type:stream-position"),
        ("timestamp", "0/16B3748", "type:stream-position"),
        ("timestamp", "1969-01-01T00:00:00Z", "range:stream-position"),
    ],
)
def test_a_change_with_a_position_of_another_kind_is_refused(kind, written, reason):
    rules = contract("id bigint key", position=kind)
    assert changes(rules, record({"id": 1}, stream_position=written)).reasons == [(1, reason)]


def test_a_change_without_any_time_has_no_timestamp_position():
    rules = contract("id bigint key", position="timestamp")
    bare = record({"id": 1}, timestamp=None, stream_position=None)
    assert changes(rules, bare).reasons == [(1, "absent_key:stream-position")]


def test_positions_sort_as_the_log_does():
    places = ["0/9", "0/10", "0/FFFFFFFF", "1/0", "A/0", "10/0"]
    found = changes(THING, *(record(DATA, stream_position=place) for place in places))
    assert found.column("_seq") == sorted(found.column("_seq"))


@pytest.mark.parametrize(
    ("metadata", "committed"),
    [
        ({"commit_timestamp": "2024-01-01T00:00:00Z"}, datetime(2024, 1, 1)),
        ({"commit_timestamp": "2024-01-01T01:00:00+01:00"}, datetime(2024, 1, 1)),
        ({}, datetime(2024, 5, 6, 7, 8, 9, 123456)),
        ({"timestamp": None}, None),
        (
            {"timestamp": None, "commit_timestamp": "2024-01-01T00:00:00.5Z"},
            datetime(2024, 1, 1, 0, 0, 0, 500000),
        ),
        ({"timestamp": "not looked at", "commit_timestamp": "2024-01-01T00:00:00Z"}, datetime(2024, 1, 1)),
    ],
)
def test_the_commit_time_is_the_transactions_or_else_the_captures(metadata, committed):
    assert changes(THING, record(DATA, **metadata)).column("_committed_at") == [committed]


@pytest.mark.parametrize(
    ("envelope", "reason"),
    [
        ({}, "absent_key:metadata"),
        ({"data": DATA}, "absent_key:metadata"),
        ({"data": DATA, "metadata": None}, "absent_key:metadata"),
        ({"data": DATA, "metadata": []}, "type:metadata"),
        ({"metadata": record(DATA)["metadata"]}, "absent_key:data"),
        ({"data": None, "metadata": record(DATA)["metadata"]}, "absent_key:data"),
        ({"data": [1], "metadata": record(DATA)["metadata"]}, "type:data"),
        (record(DATA, record_type=None), "absent_key:record-type"),
        (record(DATA, record_type="other"), "type:record-type"),
        (record(DATA, record_type=1), "type:record-type"),
        (record(DATA, operation=None), "absent_key:operation"),
        (record(DATA, operation="upsert"), "type:operation"),
        (record(DATA, operation=7), "type:operation"),
        (record(DATA, timestamp="soon"), "type:timestamp"),
        (record(DATA, timestamp=1714979289), "type:timestamp"),
        (record(DATA, commit_timestamp="2024-01-01T00:00:00.0000001Z"), "range:commit-timestamp"),
        (record(DATA, transaction_record_id="7"), "type:transaction-record-id"),
        (record(DATA, transaction_record_id=-1), "range:transaction-record-id"),
        (record(DATA, transaction_record_id=1.5), "type:transaction-record-id"),
        (record(DATA, before=7), "type:before-image"),
        ([record(DATA)], "json"),
        ("text", "json"),
        (7, "json"),
        (None, "json"),
    ],
)
def test_a_malformed_record_is_refused_and_the_next_one_is_good(envelope, reason):
    found = changes(THING, json.dumps(envelope), with_data())
    assert found.reasons == [(1, reason)]
    assert found.column("_line") == [2]


NOT_JSON = [
    *(b"{", b"}", b"{}x", b"[", b" ", b"\t\r", b"\x00", b"nul", b"'a'", b'{"data":{},}', b"{'data':1}"),
    *(
        b"// comment",
        b'{"data":1 "metadata":2}',
        b'{"data"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ),
]


@pytest.mark.parametrize("line", NOT_JSON, ids=lambda line: repr(line[:9]))
def test_a_line_that_is_not_json_is_refused_and_the_next_one_is_good(line):
    found = changes(THING, with_data(), line, with_data())
    assert found.reasons[-1] == (2, "json")
    assert found.column("_line") == [1, 3]


@pytest.mark.parametrize("name", ["id", "name", "score"])
def test_a_missing_column_is_not_a_null(name):
    assert changes(THING, without(name)).reasons == [(1, f"absent_key:{name}")]


def test_with_absent_null_a_missing_column_is_null_unless_required():
    rules = contract("id bigint key", "name string?", "score double?", absent="null")
    found = changes(rules, without("name"), without("id"), with_data(name=None))
    assert found.reasons == [(2, "absent_key:id")]
    assert found.column("name") == [None, None]


def test_a_delete_needs_only_its_key():
    deletes = [{"id": 1}, {"id": 1, "name": None, "score": None}, DATA]
    found = changes(THING, *(record(data, "delete") for data in deletes))
    assert [(row["id"], row["name"], row["score"]) for row in found.rows] == [(1, None, None)] * 2 + [
        (1, "a", 1.5)
    ]
    required = contract("id bigint key", "name string")
    assert changes(required, record({"id": 1, "name": None}, "delete")).report.rows == 1
    refused = [{"name": "a"}, {"id": None}, {"id": 1, "name": 5}]
    assert changes(THING, *(record(data, "delete") for data in refused)).reasons == [
        (1, "absent_key:id"),
        (2, "null:id"),
        (3, "type:name"),
    ]


def test_an_unknown_key_is_refused_by_default():
    assert changes(THING, with_data(colour=1), with_data()).reasons == [(1, "unknown_key:colour")]


def test_with_evolve_unknown_keys_are_kept_as_they_were():
    rules = contract("id bigint key", unknownKeys="evolve")
    data = '{"id":1,"x":1.10,"y":{"a":[1e2,null,"é\\n"]}}'
    line = f'{{"data":{data},"metadata":{{"record-type":"data","operation":"load"}}}}'
    found = changes(rules, line, record({"id": 2}))
    assert found.column("_rescued") == ['{"x":1.10,"y":{"a":[1e2,null,"é\\n"]}}', None]
    assert found.report.discarded == 0


def test_with_discard_unknown_keys_are_counted():
    rules = contract("id bigint key", unknownKeys="discard")
    found = changes(rules, record({"id": 1, "x": 1, "y": 2}), record({"id": 2}), record({"id": 3, "x": 1}))
    assert (found.report.rows, found.report.discarded) == (3, 3)
    assert "_rescued" not in found.rows[0]


def test_unused_keys_of_the_envelope_are_ignored():
    extra = record(DATA, partition_key_value="shop.thing.1", prev_transaction_id=3, x=[1, {"y": None}])
    assert changes(THING, {**extra, "more": {}}).report.rows == 1


def test_an_unusual_key_of_the_envelope_is_ignored():
    strange = record(DATA) | {"metadata": record(DATA)["metadata"] | {'a\n"\\': "x"}}
    assert changes(THING, strange, strange, with_data()).report.rows == 3


@pytest.mark.parametrize(
    "line",
    [
        '{"data":{"id":1,"id":1},"metadata":{"record-type":"data","operation":"load"}}',
        '{"data":{"id":1,"\\u0069d":2},"metadata":{"record-type":"data","operation":"load"}}',
        '{"data":{"id":1},"metadata":{"id":1,"id":1,"record-type":"data","operation":"load"}}',
        '{"data":{"id":1},"metadata":{"record-type":"data","operation":"load","x":[{"id":1,"id":2}]}}',
    ],
)
def test_a_duplicate_key_refuses_only_its_record(line):
    rules = contract("id bigint key", "name string?", absent="null")
    good = '{"data":{"id":1,"name":"a"},"metadata":{"record-type":"data","operation":"load"}}'
    twice = good.replace('"name":"a"', '"name":"a","name":"a"')
    found = changes(rules, *[good] * 3, line, twice, *[good] * 3)
    assert found.reasons == [(4, "duplicate_key:id"), (5, "duplicate_key:name")]
    assert found.column("_line") == [1, 2, 3, 6, 7, 8]
    assert changes(rules, '{"data":{"id":1},"data":{"id":1},"metadata":{}}').reasons == [
        (1, "duplicate_key:data")
    ]


def test_a_lone_surrogate_anywhere_in_a_record_is_a_bad_encoding():
    good = json.dumps(record(DATA, note="x"))
    found = changes(THING, good.replace('"x"', '"\\ud800"'), good.replace('"note"', '"\\udc00"'), good)
    assert found.reasons == [(1, "encoding"), (2, "encoding")]


@pytest.mark.parametrize("gap", ["", " ", "\t", "\r"])
def test_all_records_on_one_line_count(gap):
    line = gap.join(json.dumps(with_data(id=number)) for number in (1, 2, 3))
    found = changes(THING, line, with_data(id=4))
    assert [(row["id"], row["_line"], row["_record"]) for row in found.rows] == [
        (1, 1, 0),
        (2, 1, 1),
        (3, 1, 2),
        (4, 2, 0),
    ]
    assert (found.report.lines, found.report.records) == (2, 4)


def test_each_record_of_a_line_is_refused_separately():
    good, bad = json.dumps(with_data(name="é")), json.dumps(with_data(id="é"), ensure_ascii=False)
    line = f"{good} {bad} {good}7 {{broken"
    found = changes(THING, "", line)
    assert found.column("_record") == [0, 2]
    assert [(e["record"], e["reason"], e["raw"]) for e in found.quarantine] == [
        (1, "type:id", bad),
        (3, "json", "7"),
        (4, "json", "{broken"),
    ]
    content = b"\n" + line.encode()
    assert all(content[e["offset"] :].startswith(e["raw"].encode()) for e in found.quarantine)
    assert (found.report.records, found.report.blank) == (5, 1)


def test_a_refused_record_alone_on_its_line_is_kept_with_the_whole_line():
    found = changes(THING, ' {"a": 1} \r')
    assert found.quarantine[0]["raw"] == ' {"a": 1} \r'


def test_a_byte_order_mark_before_the_first_line_is_ignored():
    line = json.dumps(with_data()).encode()
    found = changes(THING, b"\xef\xbb\xbf" + line, b"{", b"\xef\xbb\xbf" + line)
    assert found.column("_line") == [1]
    assert [(e["line"], e["offset"]) for e in found.quarantine] == [(2, 4 + len(line)), (3, 6 + len(line))]


def test_blank_lines_are_counted_and_are_not_records():
    found = changes(THING, "", with_data(), "\r", with_data())
    assert (found.report.lines, found.report.blank, found.report.records) == (4, 2, 2)


def test_an_empty_file_of_change_records_is_good():
    found = changes(THING)
    assert (found.report.lines, found.report.records, found.report.failure) == (0, 0, None)
    assert found.folders == {"bronze"}


def test_control_records_are_events_and_not_rows():
    made = {"metadata": record({}, "create-table", record_type="control", stream_position=None)["metadata"]}
    made["control"] = {"table-def": {"columns": {"id": {"type": "INT64"}}}}
    truncated = {
        "metadata": record({}, "truncate-table", record_type="control", transaction_record_id=4)["metadata"]
    }
    found = changes(THING, made, with_data(), json.dumps(truncated) + json.dumps(with_data()))
    assert (found.report.control, found.report.rows, found.report.records) == (2, 2, 4)
    assert found.folders == {"bronze", "events"}
    assert [(e["event"], e["_seq"], e["_line"], e["_record"]) for e in found.events] == [
        ("create-table", "0000000001.0000000000000000.1.00000000000000000000", 1, 0),
        ("truncate-table", "0000000001.00000000016B3748.1.00000000000000000004", 3, 0),
    ]
    assert json.loads(found.events[0]["detail"]) == made
    assert {e["_file_id"] for e in found.events} == {"file"}
    assert {e["_committed_at"] for e in found.events} == {datetime(2024, 5, 6, 7, 8, 9, 123456)}


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [({"operation": None}, "absent_key:operation"), ({"stream_position": "?"}, "type:stream-position")],
)
def test_a_control_record_without_a_valid_position_is_refused(metadata, reason):
    control = record({}, **{"operation": "truncate-table", "record_type": "control", **metadata})
    assert changes(THING, control).reasons == [(1, reason)]


@pytest.mark.parametrize("operation", ["update", "delete", "insert"])
def test_a_before_image_with_another_key_gives_the_old_key(operation):
    found = changes(
        COMPOSITE,
        record({"shop": "é", "id": 2, "name": None}, operation, before={"shop": "é", "id": 1, "name": 7}),
        record({"shop": "é", "id": 2, "name": None}, operation, before={"shop": "é", "id": 2}),
        record({"shop": "é", "id": 2, "name": None}, operation, before={"shop": 'o"ld'}),
        record({"shop": "é", "id": 2, "name": None}, operation, before={}),
        record({"shop": "é", "id": 2, "name": None}, operation, before={"id": None}),
    )
    assert found.column("_key_before") == [
        '{"shop":"é","id":1}',
        None,
        '{"shop":"o\\"ld","id":2}',
        None,
        None,
    ]


def test_a_load_has_no_old_key():
    assert changes(THING, record(DATA, "load", before={"id": 2})).column("_key_before") == [None]


def test_a_before_image_whose_key_is_of_the_wrong_type_is_refused():
    assert changes(THING, record(DATA, "update", before={"id": "2"})).reasons == [(1, "type:id")]


def test_an_update_without_a_required_before_image_is_refused():
    rules = contract("id bigint key", beforeImage="required")
    found = changes(
        rules,
        *(record({"id": 1}, operation) for operation in ("insert", "update", "delete", "load")),
        record({"id": 1}, "update", before={}),
        {**record({"id": 1}, "update"), "before-image": None},
    )
    assert found.reasons == [(2, "absent_key:before-image"), (6, "absent_key:before-image")]
    assert found.column("_line") == [1, 3, 4, 5]
