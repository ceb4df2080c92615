"""Extracts: the header, quoting, line ends, blank lines, and the position of refused lines."""

import gzip

import pytest
from raw_files import blocks_of, contract, csv, parsed

PAIR = contract("id bigint key", "name string?")
ONE = contract("name string? key")
MULTILINE = contract("id bigint key", "name string?", multiline=True)


def whole(content: bytes, rules=PAIR, **options):
    return parsed(gzip.compress(content), rules, "csv", **options)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("1,a", "a"),
        ("1,", None),
        ('1,""', None),
        ('1,"a"', "a"),
        ('"1",a', "a"),
        ('1,"a,b"', "a,b"),
        ('1,"a""b"', 'a"b'),
        ('1,""""', '"'),
        ("1,a\r", "a"),
        ('1,"a"\r', "a"),
        ("1,a\r\r", "a\r"),
        ("1,\r", None),
        ("1,'a'", "'a'"),
        ("1,\\", "\\"),
    ],
)
def test_a_good_line_is_a_row(line, name):
    assert [(row["id"], row["name"]) for row in csv(PAIR, line).rows] == [(1, name)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1", "field_count"),
        ("1,a,b", "field_count"),
        ("1,a,", "field_count"),
        (" ", "field_count"),
        ("\t", "field_count"),
        ("# a comment", "field_count"),
        ("1;a", "field_count"),
        (",a", "null:id"),
        ('1,"a', "unbalanced_quote"),
        ('1,a"', "unbalanced_quote"),
        ('1,a"b', "unbalanced_quote"),
        ('1,a"b"c', "unbalanced_quote"),
        ('1,"a"b', "unbalanced_quote"),
        ('1, "a"', "unbalanced_quote"),
        ('1,"a" ', "unbalanced_quote"),
        ('1,"a\\"b"', "unbalanced_quote"),
        ('"1,a', "unbalanced_quote"),
        ("id,name", "type:id"),
        # The first reason in column order.
        ("x,", "type:id"),
    ],
)
def test_a_bad_line_is_refused_and_the_next_one_is_good(line, reason):
    found = csv(PAIR, line, "2,b")
    assert found.reasons == [(2, reason)]
    assert found.quarantine[0]["raw"] == line
    assert found.column("id") == [2]


def test_a_quote_left_open_ends_with_its_line():
    found = csv(PAIR, '1,"a', '2,b"', "3,c")
    assert found.reasons == [(2, "unbalanced_quote"), (3, "unbalanced_quote")]
    assert found.column("name") == ["c"]


def test_blank_lines_are_counted_and_are_not_records():
    found = csv(PAIR, "", "1,a", "\r", "", "2,b", "")
    assert (found.report.lines, found.report.blank, found.report.records) == (7, 4, 2)
    assert found.column("_line") == [3, 6]


def test_a_blank_line_of_a_one_column_table_is_not_a_null():
    found = csv(ONE, "", '""', "a", " ")
    assert (found.report.blank, found.report.records) == (1, 3)
    assert found.reasons == [(3, "null:name")]
    assert found.column("name") == ["a", " "]
    assert csv(contract("name string?", "id bigint? key"), ",", "a,1").reasons == [(2, "null:id")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [b"", b"\n", b"\r\n"])
def test_line_ends_may_be_crlf_and_the_last_one_may_be_missing(end, last):
    found = whole(end.join([b"id,name", b"1,a", b"2,b"]) + last)
    assert [(row["id"], row["name"], row["_line"]) for row in found.rows] == [(1, "a", 2), (2, "b", 3)]
    assert found.report.lines == 3


def test_a_lone_carriage_return_ends_no_line():
    found = csv(PAIR, "1,a\r2,b", "3\r,c")
    assert found.reasons == [(2, "field_count"), (3, "type:id")]


@pytest.mark.parametrize(
    "header", [b"id,name", b"id,name\r", b"\xef\xbb\xbfid,name", b'"id","name"', b'id,"name"\r']
)
def test_a_header_may_have_a_byte_order_mark_quotes_and_crlf(header):
    found = whole(header + b"\n1,a")
    assert (found.report.failure, found.report.rows, found.report.lines) == (None, 1, 2)


OTHER_HEADERS = [
    *(b"", b"\n", b"1,a\n", b"name,id\n1,a", b"id\n1", b"id,name,x\n", b"ID,name\n", b"id, name\n"),
    *(
        b"\nid,name\n1,a",
        b'id,"name\n',
        b"\xffid,name\n",
        b"id,name\xff\n",
        b"\xef\xbb\xbf\xef\xbb\xbfid,name\n",
    ),
]


@pytest.mark.parametrize("content", OTHER_HEADERS)
def test_any_other_header_fails_the_file(content):
    found = whole(content)
    assert (found.report.failure, found.report.rows) == ("header", 0)
    assert found.folders == {"quarantine"}
    assert [(entry["line"], entry["reason"]) for entry in found.quarantine] == [(0, "header")]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"id,name,x,y", "the header has x,y, which the contract has not"),
        (b"id", "the header lacks name"),
        (b"id,title", "the header lacks name and has title, which the contract has not"),
        (b"name,id", "the header has the columns in another order, or one twice"),
        (b"id,name,name", "the header has the columns in another order, or one twice"),
    ],
)
def test_the_message_about_a_wrong_header_begins_with_the_difference(header, said):
    (entry,) = whole(header + b"\n1,a\n").quarantine
    assert entry["detail"] == f"{said}: it must be id,name, and is {header.decode()}"


def test_a_file_with_only_a_header_has_no_rows():
    for content in (b"id,name", b"id,name\n"):
        found = whole(content)
        assert (found.report.failure, found.report.lines, found.report.records) == (None, 1, 0)
        assert found.folders == {"bronze"}


@pytest.mark.parametrize("size", [1, 13, 1000])
def test_a_refused_line_can_be_found_by_its_offset(size):
    content = 'id,name\r\n1,é\nx,"a"\n\n2,\nyé,😀\r\n3'.encode()
    found = whole(content, limits=blocks_of(size))
    assert found.reasons == [(3, "type:id"), (6, "type:id"), (7, "field_count")]
    for entry in found.quarantine:
        raw = entry["raw"].encode()
        assert content[entry["offset"] :].startswith(raw)
        assert content[entry["offset"] + len(raw) :][:1] in (b"\n", b"")


def test_with_multiline_a_quoted_field_may_hold_newlines():
    found = csv(MULTILINE, '1,"a', 'b"', '2,"c\r', '"', "3,d", '4,"\n\n"', "x,y")
    assert [(row["_line"], row["name"]) for row in found.rows] == [
        (2, "a\nb"),
        (4, "c\r\n"),
        (6, "d"),
        (7, "\n\n"),
    ]
    assert found.reasons == [(10, "type:id")]
    assert (found.report.lines, found.report.records, found.report.blank) == (10, 5, 0)


def test_with_multiline_an_open_quote_takes_the_rest_of_the_file():
    content = b'id,name\n1,a\n2,"b\n3,c\n'
    found = whole(content, MULTILINE)
    assert found.reasons == [(3, "unbalanced_quote")]
    assert content[found.quarantine[0]["offset"] :] == found.quarantine[0]["raw"].encode() + b"\n"


def test_every_row_of_an_extract_is_a_load_of_its_epoch_and_extract():
    found = csv(PAIR, "1,a", epoch=12, extract=34, file_id="f-1")
    assert found.rows == [
        {
            "id": 1,
            "name": "a",
            "_seq": "0000000012.0000000000000000.0.00000000000000000034",
            "_rev": 4_001_002_003,
            "_op": "load",
            "_key_before": None,
            "_committed_at": None,
            "_file_id": "f-1",
            "_line": 2,
            "_record": 0,
        }
    ]


def test_lines_keep_their_order_whichever_path_reads_them():
    lines = [f"{n},n" if n % 3 else f'"{n}","n"' if n % 2 else f"{n},n\r" for n in range(1, 200)]
    assert csv(PAIR, *lines).column("id") == list(range(1, 200))
