"""Usual Debezium records are read fast, and as by the exact rules."""

import json

import pytest
from bronze_judge import LEFT_OUT
from debezium_lines import line, sequence
from kernel_cases import TROUBLE
from kernel_law import LOADED, change_lines_taken
from raw_files import contract
from test_kernel import near_to

THING = contract("id bigint key", "day date?", "price decimal(9,2)?", "name string?", records="debezium")
AT = 1_795_950_627_646_642
PLACES = sequence(23302088, 23302216)
ROW = '{"id":1,"day":"2024-02-29Z","price":"1.50","name":"a"}'


def made(
    operation: str = "c", after: str = ROW, *, before: str = "null", places: str = PLACES, **rest: object
) -> bytes:
    """Return a line; for a delete, the row is its `before`."""
    if operation == "d":
        before, after = after, "null"
    return line(operation, before, after, **{"at": AT, "places": places, **rest}).encode()  # type: ignore[arg-type]


def taken(*lines: bytes, rules: object = THING) -> list[int]:
    """Return the numbers of the lines that are taken."""
    return change_lines_taken(rules, lines)  # type: ignore[arg-type]


@pytest.mark.parametrize("schema", [False, True])
def test_usual_records_are_read_fast(schema: bool) -> None:
    other = '{"id":1,"day":null,"price":null,"name":"b"}'
    key = '{"id":1,"day":null,"price":null,"name":null}'
    lines = [
        made("r", schema=schema),
        made("r", places=sequence(None, 7), schema=schema),
        made("c", schema=schema),
        made("c", places=sequence(None, 7), schema=schema),
        made("u", schema=schema),
        made("u", before=other, schema=schema),
        made("d", schema=schema),
        made("d", key, schema=schema),
        made("c", other, at=AT + 1, schema=schema),
    ]
    assert taken(*lines, *lines) == list(range(18))


def test_a_delete_needs_only_its_key() -> None:
    rules = contract("id bigint key", "name string", "day date", records="debezium")
    row, key = '{"id":1,"name":"a","day":"2024-02-29"}', '{"id":1,"name":null,"day":null}'
    lines = [made("d", row), made("d", key), made("d", '{"id":2}'), made("c", row), made("c", key)]
    odd = [made("d", '{"name":"a"}'), made("d", key.replace("1", "null"))]
    assert taken(*lines, *odd, made("d", key), rules=rules) == [0, 1, 2, 3, 7]


def test_an_update_without_a_required_before_image_is_left() -> None:
    rules = contract("id bigint key", records="debezium", beforeImage="required")
    row = '{"id":1}'
    update = made("u", row, before=row)
    assert taken(made("c", row), update, made("u", row), made("d", row), update, rules=rules) == [0, 1, 3, 4]


@pytest.mark.parametrize("operation", ["c", "r", "d", "u"])
def test_log_positions_equal_those_of_the_exact_rules(operation: str) -> None:
    edges = [0, 1, 9, 10, 255, 99999999, 100000000, 2**32, 0xABCDEF, 10**18, 2**63 - 1]
    good = [sequence(committed, lsn) for committed in edges for lsn in edges[:: 1 + committed % 5]]
    good += [sequence(None, lsn) for lsn in edges]
    lines = [made(operation, places=text) for text in good]
    assert taken(*lines) == list(range(len(lines)))
    odd = [text for whole in (PLACES, sequence(None, 7)) for text in near_to(whole[1:-1])]
    odd += [
        sequence(2**63, 1),
        sequence(1, 2**63),
        sequence(2**64 - 1, 1),
        sequence(2**64, 1),
        sequence(1, 2**64),
    ]
    odd += [f'[\\"{text}\\",\\"1\\"]' for text in TROUBLE] + [f'[\\"1\\",\\"{text}\\"]' for text in TROUBLE]
    odd += ["", "null", "[]", "[null,null]", '[\\"1\\"]', '[\\"1\\",null]', '[\\"1\\", \\"2\\"]', "[1,2]"]
    for text in (*odd, "7", '["1","2"]', "null", "{}"):
        for whole in (f'"{text.strip(chr(34))}"', text):
            taken(*lines[:3], made(operation, places=whole), *lines[:3])


def test_a_load_is_never_placed_before_its_file() -> None:
    held = int(LOADED.split(".")[1], 16)
    places = [0, 1, held - 1, held, held + 1, 2**62]
    assert taken(*(made("r", places=sequence(at, 7)) for at in places)) == list(range(6))


@pytest.mark.parametrize(
    ("name", "other"), [("ts_us", {}), ("ts_ms", {"ts_us": ""}), ("ts_ms", {"ts_us": "null"})]
)
def test_commit_times_equal_those_of_the_exact_rules(name: str, other: dict[str, str]) -> None:
    last = 253402300799999 if name == "ts_ms" else 253402300799999999
    good = [made(**{name: str(count), **other}) for count in (AT // 1000, 0, 1, 999, last)]
    assert taken(*good) == list(range(5))
    odd = [
        str(last + 1),
        "9" * 19,
        "9" * 30,
        "-1",
        "1.0",
        "1e3",
        '"7"',
        "true",
        "null",
        "{}",
        "[7]",
        *TROUBLE,
    ]
    for text in [*odd, *near_to(str(AT))]:
        taken(*good[:2], made(**{name: text or "x", **other}), *good[:2])


@pytest.mark.parametrize("operation", ["c", "u", "d"])
def test_a_value_the_connector_left_out_is_left_to_the_exact_rules(operation: str) -> None:
    base64 = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="
    for text, is_left in [(LEFT_OUT, True), (base64, True), (f"{LEFT_OUT}!", False), (LEFT_OUT[:-1], False)]:
        odd = made(operation, ROW.replace('"a"', f'"{text}"'))
        assert taken(made(operation), odd, made(operation)) == ([0, 2] if is_left else [0, 1, 2])


@pytest.mark.parametrize("operation", ["c", "u", "d"])
def test_dates_may_end_in_z_and_decimals_may_be_texts(operation: str) -> None:
    days = ['"2024-02-29"', '"2024-02-29Z"', "null"]
    odd = [
        '"2024-02-29ZZ"',
        '"2024-02-29z"',
        '"2023-02-29Z"',
        '"Z"',
        '"2024-02-29 Z"',
        "19782",
        '"2024-02-29T00:00Z"',
    ]
    prices = ['"1.5"', "1.5", "null", "0", '"-0.01"']
    lines = [
        made(operation, f'{{"id":1,"day":{day},"price":{price},"name":"a"}}')
        for day in days
        for price in prices
    ]
    assert taken(*lines) == list(range(15))
    bad = ['"1.5', '1.5"', '"1.555"', '"HL6Y9uE="', '""', '"NaN"']
    rows = [f'{{"id":1,"day":{day},"price":1,"name":"a"}}' for day in odd]
    rows += [f'{{"id":1,"day":null,"price":{price},"name":"a"}}' for price in bad]
    for row in rows:
        assert taken(*lines[:2], made(operation, row), *lines[:2]) == [0, 1, 3, 4], row


def test_a_different_key_before_is_left_to_the_exact_rules() -> None:
    rules = contract("id bigint key", "part string key", "price decimal(9,2) key", records="debezium")

    def update(row: tuple[str, ...], old: tuple[str, ...]) -> bytes:
        row, old = (f'{{"id":{it[0]},"part":{it[1]},"price":{it[2]}}}' for it in (row, old))  # type: ignore[assignment]
        return made("u", str(row), before=str(old))

    same = [update(row, row) for row in [("1", '"a"', '"1.5"'), ("22", '""', "0"), ("-3", '"7"', '"0"')]]
    assert taken(*same, rules=rules) == [0, 1, 2]
    row = ("1", '"7"', '"1.5"')
    for old in [("2", '"7"', '"1.5"'), ("1", '"8"', '"1.5"'), ("1", "7", '"1.5"'), ("1", '"7"', "1.5"),
                ("11", '"7"', '"1.5"'), ("null", '"7"', '"1.5"'), ("1", '"7"', '"1.50"'),
                ('"1"', '"7"', '"1.5"')]:  # fmt: skip
        assert taken(*same, update(row, old), *same, rules=rules) == [0, 1, 2, 4, 5, 6], old


def test_a_key_written_with_an_escape_before_is_the_same_key() -> None:
    rules = contract("id bigint key raw=a/b", records="debezium")
    line = made("u", '{"a/b":1}', before='{"a\\/b":1}')
    assert taken(line, line.replace(b":1}", b":2}", 1), line, rules=rules) == [0, 2]


def test_a_time_that_is_null_in_one_record_is_checked_in_the_next() -> None:
    null = made(ts_us="null")
    for other in ("7", "-1", '"x"'):
        assert taken(null, null, made(ts_us=other), null) == [0, 1, *([2] if other == "7" else []), 3]


def test_the_envelope_around_a_record_is_not_mistaken_for_it() -> None:
    good = made(schema=True)
    payload = json.loads(good)["payload"]
    odd = [
        {"payload": [payload]},
        {"payload": None, **payload},
        {"payload": payload, "op": "d"},
        {**payload, "source": [payload["source"]]},
        {**payload, "source": {**payload["source"], "sequence": {"0": 1, "1": 2}}},
        {**payload, "after": [payload["after"]]},
        {**payload, "after": {"x": payload["after"]}},
        {**payload, "after": {**payload["after"], "more": []}},
        {**payload, "after": {**payload["after"], "name": []}},
        {**payload, "after": {**payload["after"], "name": PLACES}},
        {**payload, "before": 7, "op": "u"},
        {**payload, "before": [], "op": "u"},
        {**payload, "before": payload["after"], "op": "d"},
        {**payload, "before": {}, "op": "u"},
        {**payload, "op": "t"},
        {**payload, "op": None},
        {**payload, "transaction": {"id": "1", "total_order": 1}},
        {**payload, "transaction": 7},
        {**payload, "more": "a\\b"},
        {"more": {"op": "d"}, **payload},
        {"schema": payload, "payload": payload},
    ]
    for one in odd:
        text = json.dumps(one).encode()
        for lines in ([good, text, good], [text, good, text], [text, text]):
            taken(*lines)
        escaped = text.replace(b'"op"', b'"\\u006fp"')
        taken(escaped, text, escaped)


def test_transaction_metadata_does_not_stop_the_fast_path() -> None:
    lines = [made().replace(b'"transaction":null', b'"transaction":' + text) for text in
             (b'{"id":"7:8","total_order":1}', b'{"id":"9:8","total_order":22}')]  # fmt: skip
    assert taken(*lines, made(), *lines) == [0, 1, 2, 3, 4]
