"""`dm contract new` from change records, whose delete records show the key."""

import json
from pathlib import Path

import pytest
from drafting import change, drafted, run

from bronze.contract import load
from control.errors import DataError

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_change_records_give_the_position_kind_and_nested_types() -> None:
    def record(data: dict[str, object], **more: object) -> str:
        return json.dumps(
            {"data": data, "metadata": {"record-type": "data", "stream-position": "0/1A", **more}}
        )

    lines = [
        record(
            {"wine_id": 1, "grapes": ["a"], "maker": {"name": "x", "since": 1900}, "price": 3, "sold": True}
        ),
        record(
            {"wine_id": 2, "grapes": [], "maker": {"name": "y", "since": None}, "price": 3.5, "sold": None}
        )
        + record(
            {"wine_id": 3, "grapes": ["b"], "maker": {"name": "z", "since": 2000}, "price": 1, "sold": False}
        ),
        json.dumps({"metadata": {"record-type": "control", "operation": "create-table"}}),
    ]
    assert drafted("w.json.gz", "\n".join(lines)) == {
        "wine_id": ("bigint", True),
        "grapes": ("array<string>", True),
        "maker": ("struct<name:string,since:bigint>", True),
        "price": ("double", True),
        "sold": ("boolean", False),
    }
    assert load(Path("contracts/bronze/wine.yaml")).position == "lsn"
    assert (
        "cast(maker as row(name varchar, since bigint)) as maker"
        in Path("models/silver/wines.sql").read_text()
    )


def test_a_delete_shows_the_key_and_makes_no_column_optional() -> None:
    def record(operation: str, **data: object) -> str:
        metadata = {"record-type": "data", "operation": operation, "stream-position": "0/1A"}
        return json.dumps({"data": data, "metadata": metadata})

    lines = [
        record("insert", vintage=1990, wine_id=1, grape="white", price=None),
        record("delete", wine_id=1, vintage=None),
        record("insert", vintage=1991, wine_id=2, grape="red", price=3),
    ]
    assert drafted("w.json.gz", "\n".join(lines)) == {
        "vintage": ("bigint", True),
        "wine_id": ("bigint", True),
        "grape": ("string", True),
        "price": ("bigint", False),
    }
    assert load(Path("contracts/bronze/wine.yaml")).key == ("wine_id",)


def debezium(op: str, **row: object) -> str:
    before, after = (row, None) if op == "d" else (None, row)
    source = {"snapshot": "false", "sequence": '[null,"23475320"]', "lsn": 23475320}
    return json.dumps({"before": before, "after": after, "source": source, "op": op})


@pytest.mark.parametrize("wrapped", [False, True])
def test_debezium_records_are_recognized(wrapped: bool) -> None:
    lines = [
        debezium("r", wine_id=1, bottled_on="2024-02-29Z", price=None),
        debezium("c", wine_id=2, bottled_on="2024-03-01Z", price=3),
        debezium("u", wine_id=1, bottled_on="2024-02-29Z", price=4),
        debezium("d", wine_id=1, bottled_on=None, price=None),
        '{"before": null, "after": null, "source": {}, "op": "t"}',
    ]
    if wrapped:
        lines = [f'{{"schema": {{}}, "payload": {line}}}' for line in lines]
    assert drafted("w.json.gz", "\n".join(lines)) == {
        "wine_id": ("bigint", True),
        "bottled_on": ("date", True),
        "price": ("bigint", False),
    }
    contract = load(Path("contracts/bronze/wine.yaml"))
    assert (contract.records, contract.position, contract.key) == ("debezium", "lsn", ("wine_id",))


@pytest.mark.parametrize(
    ("line", "setting"),
    [
        (json.dumps(debezium("c", wine_id=1)), "value.converter"),
        (f'{{"key": {{"wine_id": 1}}, "value": {debezium("c", wine_id=1)}}}', "format.output.envelope=false"),
        (f'{{"value": {{"schema": {{}}, "payload": {debezium("c", wine_id=1)}}}}}', "format.output.envelope"),
        ('{"wine_id": 1, "__deleted": "true"}', "remove that transform"),
        ('{"wine_id": 1, "__source_lsn": 7}', "remove that transform"),
    ],
)
def test_records_made_unreadable_by_kafka_connect_are_refused_with_the_setting_to_change(
    line: str, setting: str
) -> None:
    Path("w.json").write_text(line)
    refusal = run("new", "bronze", "wine", "--from-file", "w.json").exception
    assert isinstance(refusal, DataError)
    assert refusal.message.startswith("w.json:1: ")
    assert setting in refusal.hint
    assert not Path("contracts/bronze/wine.yaml").exists()


def test_tombstones_are_ignored() -> None:
    lines = [debezium("c", wine_id=1, price=3), debezium("d", wine_id=1, price=None), "null", ""]
    Path("w.json").write_text("\n".join(lines))
    assert run("new", "bronze", "wine", "--from-file", "w.json").stderr == ""
    assert load(Path("contracts/bronze/wine.yaml")).records == "debezium"


def test_the_fields_of_a_delete_are_the_key() -> None:
    lines = [
        change("insert", order_id=1, beer="a", line_no=1, price=2),
        change("delete", order_id=1, line_no=1),
    ]
    Path("o.json").write_text("\n".join(lines))
    result = run("new", "bronze", "order_line", "--from-file", "o.json")
    assert load(Path("contracts/bronze/order_line.yaml")).key == ("order_id", "line_no")
    assert "unique_key=['order_id', 'line_no']" in Path("models/silver/order_lines_state.sql").read_text()
    assert "the key (order_id, line_no)" in result.stdout
    assert result.stderr == ""


def test_the_key_of_a_log_without_a_delete_is_called_a_guess() -> None:
    for number, more in enumerate(([], [change("delete", order_id=1, beer="a", line_no=1, price=2)])):
        lines = [change("insert", order_id=1, beer="a", line_no=1, price=2), *more]
        Path("o.json").write_text("\n".join(lines))
        result = run("new", "bronze", f"order_{number}", "--from-file", "o.json")
        assert load(Path(f"contracts/bronze/order_{number}.yaml")).key == ("order_id",)
        assert "order_id is a guess at the key" in result.stderr


def test_a_timestamp_in_deletes_is_part_of_the_key_whatever_its_precision() -> None:
    for number, at in enumerate(("09.123", "09.123456")):
        moment = f"2026-01-01T10:00:{at}Z"
        changes = [change("insert", sensor=1, at=moment, v=1.5), change("delete", sensor=1, at=moment)]
        Path("log.json").write_text("".join(f"{one}\n" for one in changes))
        result = run("new", "bronze", f"t{number}", "--from-file", "log.json")
        contract = load(Path(f"contracts/bronze/t{number}.yaml"))
        assert contract.key == ("sensor", "at")
        assert contract.columns[1].type == "timestamp"
        assert "warning" not in result.stderr


def test_a_draft_avoids_names_that_the_parser_generates() -> None:
    moment = "2026-01-01T10:00:00.123456Z"
    row = {"id": 1, "at": moment, "at_us": 7, "seen": [{"fine": moment, "whole": "2026-01-01T10:00:00.123Z"}]}
    Path("log.json").write_text(change("insert", **row) + "\n")
    result = run("new", "bronze", "wine", "--from-file", "log.json")
    assert "records are refused" not in result.stderr
    contract = load(Path("contracts/bronze/wine.yaml"))
    assert [(c.name, c.stored, c.type) for c in contract.columns[1:]] == [
        ("at", "at", "timestamp"),
        ("at_us", "wine_at_us", "bigint"),
        ("seen", "seen", "array<struct<fine:string,whole:timestamp>>"),
    ]


def test_deletes_with_a_fractional_number_leave_the_key_a_guess() -> None:
    changes = [change("insert", sensor=1, at=1.5, v="a"), change("delete", sensor=1, at=1.5)]
    Path("log.json").write_text("".join(f"{one}\n" for one in changes))
    assert "sensor is a guess at the key" in run("new", "bronze", "wine", "--from-file", "log.json").stderr
