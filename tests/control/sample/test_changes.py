import json
from datetime import UTC, datetime
from random import Random

from control.sample.changes import Edit, LogStart, change_line, commit, control_line, load_lines, lsn_text

AT = datetime(2025, 1, 2, tzinfo=UTC)
ROW = {"brewery_id": 3, "brewery_name": "Abita Brewing Co."}


def test_a_position_is_formatted_like_postgresqls():
    assert lsn_text(0x16B3748) == "0/16B3748"
    assert lsn_text(0xFFFFFFF8 + 8) == "1/0"


def test_the_edits_of_a_transaction_share_a_position_and_are_numbered():
    edits = (Edit("brewery", "insert", ROW), Edit("brewery", "delete", {"brewery_id": 3}))
    first, second, third = commit([edits, edits[:1]], LogStart(0x16B3748, 7, AT), Random(1))
    assert (first.lsn, first.transaction, first.record) == (0x16B3748, 7, 1)
    assert (second.lsn, second.transaction, second.record) == (0x16B3748, 7, 2)
    assert (third.transaction, third.record) == (8, 1)
    assert third.lsn > second.lsn
    assert third.committed_at > second.committed_at


def test_a_change_record_has_the_fields_that_dms_writes():
    (change,) = commit([(Edit("brewery", "update", ROW, before=ROW),)], LogStart(0x16B3748, 7, AT), Random(1))
    assert json.loads(change_line(change)) == {
        "data": ROW,
        "before-image": ROW,
        "metadata": {
            "timestamp": "2025-01-02T00:00:00.000000Z",
            "record-type": "data",
            "operation": "update",
            "partition-key-type": "primary-key",
            "schema-name": "public",
            "table-name": "brewery",
            "transaction-id": 7,
            "transaction-record-id": 1,
            "prev-transaction-id": 6,
            "prev-transaction-record-id": 1,
            "commit-timestamp": "2025-01-02T00:00:00.000000Z",
            "stream-position": "0/16B3748",
        },
    }


def test_loads_have_no_position_and_control_records_no_data():
    (load,) = load_lines("brewery", [ROW], AT)
    assert json.loads(load)["metadata"]["operation"] == "load"
    assert "stream-position" not in json.loads(load)["metadata"]
    control = json.loads(control_line("brewery", list(ROW), AT))
    assert control["metadata"]["record-type"] == "control"
    assert "data" not in control
