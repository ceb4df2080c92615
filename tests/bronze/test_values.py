"""What each type reads from a CSV field and from a JSON value, and what it refuses."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from raw_files import changes, contract, csv, literal, record

MANY = "9" * 5000

TEXTS = {
    "bigint": {
        "7": 7, "-7": -7, "-0": 0, " 7": 7, "7 ": 7, "\t 7 \t": 7, "007": 7, '"7"': 7, '" 7"': 7,
        "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63), "0000000000000000001": 1,
        "9223372036854775808": "range", "-9223372036854775809": "range", "9999999999999999999": "range",
        "00000000000000000001": "type", "10000000000000000000": "type", MANY: "type", "+5": "type", "1e3": "type",
        "0x10": "type", "0X1F": "type", "1_000": "type", "12.0": "type", "12.": "type", "- 5": "type", "--5": "type",
        "٣": "type", "５": "type", "\u00a07": "type", "7\u00a0": "type", "\v7": "type", "7\x00": "type", " ": "type",
        "-": "type", "NULL": "type", "NA": "type", "N/A": "type", "nan": "type", "true": "type", "1 2": "type", "#1": "type",
    },
    "int": {
        "2147483647": 2**31 - 1, "-2147483648": -(2**31), "2147483648": "range", "-2147483649": "range",
        "9999999999": "range", " 5 ": 5, "5.0": "type",
    },
    "double": {
        "1": 1.0, "1.5": 1.5, "-1.5": -1.5, "+1.5": 1.5, ".5": 0.5, "-.5": -0.5, "+.5": 0.5, "1e3": 1000.0, "1E3": 1000.0,
        "1e+3": 1000.0, "1.5e-3": 0.0015, "-0": -0.0, "-0.0": -0.0, "007.50": 7.5, "4.35": 4.35, '"1.5"': 1.5,
        "9007199254740993": 9007199254740992.0, "0.1234567890123456789012345": 0.12345678901234568,
        "1.7976931348623157e308": 1.7976931348623157e308, "5e-324": 5e-324, "1e-400": 0.0, "0e999999999": 0.0,
        "2.2250738585072011e-308": 2.225073858507201e-308, "1" + "0" * 308: 1e308, "." + "0" * 400 + "1": 0.0,
        "1e400": "range", "-1e400": "range", "1" + "0" * 309: "range", "1e99999999999999999999": "range",
        "1.": "type", "1.e3": "type", ".": "type", "e3": "type", "1e": "type", "1e+": "type", "1e1.5": "type", "1.2.3": "type",
        "NaN": "type", "nan": "type", "-nan": "type", "inf": "type", "-Infinity": "type", "0x1p3": "type", "1_0": "type",
        " 1.5": "type", "1.5 ": "type", "\t1.5": "type", "1,5": "field_count", "1.5f": "type", "1.5d": "type", "٣.٥": "type",
        "NULL": "type", "++1": "type", "+-1": "type", "1.5\x00": "type",
    },
    "float": {
        "1.5": 1.5, "4.35": 4.349999904632568, "16777217": 16777216.0, "1e38": 9.999999680285692e37, "1e-46": 0.0,
        "3.4028234663852886e38": 3.4028234663852886e38, "1e39": "range", "-1e39": "range", "1e400": "range",
        "+1.5": 1.5, "1.": "type", "nan": "type", " 1": "type",
        # Halfway between two floats but for the last digit: by way of the nearest double.
        "1.00000017881393432617187499": 1.000000238418579,
    },
    "decimal(5,2)": {
        "1.5": Decimal("1.50"), "-1.5": Decimal("-1.50"), "999.99": Decimal("999.99"), "1.50": Decimal("1.50"),
        "1.500": Decimal("1.50"), "0001.5": Decimal("1.50"), "1.5e2": Decimal("150.00"), "+1.5": Decimal("1.50"),
        "15e-1": Decimal("1.50"), ".5": Decimal("0.50"), "0": Decimal("0.00"), "-0": Decimal("0.00"), "0e99": Decimal("0.00"),
        "1.5e0000000000000000001": Decimal("15.00"), "1000": "range", "999.999": "range", "0.001": "range", "1e3": "range",
        "1e-3": "range", "1e999999999999": "range", "1e-999999999999": "range", MANY: "range",
        "1.": "type", "nan": "type", "Infinity": "type", " 1": "type", "1 ": "type", "0x1": "type", "1_0": "type",
    },
    "decimal(38,38)": {"0." + "1" * 38: Decimal("0." + "1" * 38), "1": "range", "0": Decimal("0E-38")},
    "decimal(38,0)": {"9" * 38: Decimal("9" * 38), "9" * 39: "range", "1.0": Decimal(1), "0.1": "range"},
    "boolean": {
        "true": True, "false": False, '"true"': True, "True": "type", "TRUE": "type", "t": "type", "1": "type", "0": "type",
        " true": "type", "true ": "type", "yes": "type", "no": "type",
    },
    "date": {
        "2024-02-29": date(2024, 2, 29), "0001-01-01": date(1, 1, 1), "9999-12-31": date(9999, 12, 31),
        "1969-12-31": date(1969, 12, 31), "2024-12-30": date(2024, 12, 30), "2023-02-29": "type", "2024-02-30": "type",
        "2024-13-01": "type", "2024-00-01": "type", "2024-04-31": "type", "0000-01-01": "type", "2024-1-1": "type",
        "20240101": "type", "2024-01-01T00:00:00Z": "type", "2024-W01-1": "type", " 2024-01-01": "type", "10000-01-01": "type",
        "01/02/2024": "type", "-2024-01-01": "type",
    },
    "timestamp": {
        "2024-05-06T07:08:09Z": datetime(2024, 5, 6, 7, 8, 9), "2024-05-06T07:08:09": datetime(2024, 5, 6, 7, 8, 9),
        "2024-05-06T07:08Z": datetime(2024, 5, 6, 7, 8), "2024-05-06T07:08:09.5Z": datetime(2024, 5, 6, 7, 8, 9, 500000),
        "2024-05-06T07:08:09.123456Z": datetime(2024, 5, 6, 7, 8, 9, 123456),
        "2024-05-06T07:08:09.123456000Z": datetime(2024, 5, 6, 7, 8, 9, 123456),
        "2024-05-06T07:08:09+02:00": datetime(2024, 5, 6, 5, 8, 9), "2024-05-06T07:08:09-0230": datetime(2024, 5, 6, 9, 38, 9),
        "2024-05-06T07:08:09+02": datetime(2024, 5, 6, 5, 8, 9), "1969-12-31T23:59:59.999999Z": datetime(1969, 12, 31, 23, 59, 59, 999999),
        "2024-05-06T00:30:00+01:00": datetime(2024, 5, 5, 23, 30), "0001-01-01T00:00:00Z": datetime(1, 1, 1),
        "9999-12-31T23:59:59.999999Z": datetime(9999, 12, 31, 23, 59, 59, 999999),
        "2024-05-06T07:08:09.1234567Z": "range", "0001-01-01T00:00:00+01:00": "range", "9999-12-31T23:59:59-01:00": "range",
        "2024-05-06 07:08:09": "type", "2024-05-06": "type", "2024-02-30T00:00:00Z": "type", "2024-05-06T24:00:00Z": "type",
        "2024-05-06T07:60:00Z": "type", "2024-05-06T23:59:60Z": "type", "2024-05-06T07:08:09z": "type",
        "2024-05-06T07:08:09,5Z": "field_count", "2024-05-06T07:08:09.Z": "type", "2024-05-06T07": "type", "20240506T070809Z": "type",
        "2024-05-06T07:08:09+24:00": "type", "2024-05-06T07:08:09+02:60": "type", "1715000000": "type", " 2024-05-06T07:08:09Z": "type",
        "2024-05-06T07:08:09Z ": "type", "2024-05-06T07:08:09UTC": "type",
    },
    "string": {
        "a": "a", " a ": " a ", "NULL": "NULL", "NA": "NA", "N/A": "N/A", "nan": "nan", "#a": "#a", "é": "é", "😀": "😀",
        "\u2028": "\u2028", "\ufeffa": "\ufeffa", "a\x00b": "a\x00b", "a\tb": "a\tb", "a\rb": "a\rb", "'a'": "'a'", "\\n": "\\n",
        '"a,b"': "a,b", '"a""b"': 'a"b', '""""': '"', '" a "': " a ", "\x7f": "\x7f", "0x10": "0x10",
    },
}  # fmt: skip
VALUES = {
    "bigint": {
        "7": 7, "-7": -7, "-0": 0, "12.0": 12, "1e3": 1000, "1.2e1": 12, "120e-1": 12, "-0.0": 0, "0e5": 0, "0.0": 0,
        "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63), "9223372036854775807.0": 2**63 - 1,
        "9007199254740993.0": 9007199254740993, "1e18": 10**18, "100000000000000000000e-2": 10**18,
        "9223372036854775808": "range", "-9223372036854775809": "range", "1e19": "range", "1e400": "range",
        "1e99999999999999": "range", "123456789012345678901234567890": "range", MANY: "range", "12.5": "type", "1e-1": "type",
        "1e-99999999999999": "type", '"7"': "type", '""': "type", "true": "type", "[]": "type", "{}": "type", "[7]": "type",
        "01": "json", "+1": "json", "1.": "json", ".5": "json", "NaN": "json", "Infinity": "json", "-Infinity": "json",
        "0x10": "json", "1_0": "json", "٣": "json", "nul": "json", "": "json",
    },
    "int": {"2147483647": 2**31 - 1, "2147483648": "range", "5.0": 5, "-2147483649": "range", "1e9": 10**9},
    "double": {
        "7": 7.0, "-0": 0.0, "-0.0": -0.0, "0": 0.0, "1.5": 1.5, "1e3": 1000.0, "1E+3": 1000.0, "1e-400": 0.0, "4.35": 4.35,
        "9007199254740993": 9007199254740992.0, "18446744073709551617": 18446744073709552000.0, "5e-324": 5e-324,
        "1.7976931348623157e308": 1.7976931348623157e308, "123456789012345678901234567890": 1.2345678901234568e29,
        "2.2250738585072011e-308": 2.225073858507201e-308, "1e400": "range", "-1e400": "range", MANY: "range",
        "1.7976931348623159e308": "range", '"1.5"': "type", '"NaN"': "type", "false": "type", "NaN": "json", "1.": "json",
    },
    "float": {"4.35": 4.349999904632568, "1e39": "range", "16777217": 16777216.0, "3.4028234663852886e38": 3.4028234663852886e38},
    "decimal(5,2)": {
        "1.5": Decimal("1.50"), '"1.5"': Decimal("1.50"), "1.50000": Decimal("1.50"), "15e-1": Decimal("1.50"), "-0": Decimal("0.00"),
        "1000": "range", '"1.234"': "range", '"abc"': "type", "true": "type", '" 1"': "type",
    },
    "boolean": {"true": True, "false": False, '"true"': "type", "1": "type", "0": "type", "True": "json"},
    "date": {'"2024-02-29"': date(2024, 2, 29), '"2024-02-30"': "type", "20240229": "type", '"2024-12-31"': date(2024, 12, 31)},
    "timestamp": {
        '"2024-05-06T07:08:09.5Z"': datetime(2024, 5, 6, 7, 8, 9, 500000), '"2024-05-06T07:08:09+02:00"': datetime(2024, 5, 6, 5, 8, 9),
        '"1969-05-06T07:08:09Z"': datetime(1969, 5, 6, 7, 8, 9), "1715000000": "type", '"soon"': "type",
    },
    "string": {
        '"a"': "a", '""': "", '" a "': " a ", '"NULL"': "NULL", '"é"': "é", r'"\u00e9"': "é", r'"a\"b"': 'a"b', r'"\\"': "\\",
        r'"\ud83d\ude00"': "😀", r'"\u0000"': "\x00", r'"\/"': "/", r'"\\ud800"': r"\ud800", '"\x7f"': "\x7f", '"{"': "{", '"}{"': "}{",
        r'"\ud800"': "encoding", r'"\ude00\ud83d"': "encoding", r'"x\udfffy"': "encoding", "7": "type", "1.5": "type", "true": "type",
        "[]": "type", '["a"]': "type", '"a\tb"': "json", r'"a\qb"': "json", r'"\u12"': "json", "'a'": "json", '"a': "json",
    },
}  # fmt: skip
CONTRACTS = {kind: contract("id bigint key", f"value {kind}", maxBadRatio=1) for kind in TEXTS}
REFUSALS = ("type", "range", "field_count", "json", "encoding")


def outcomes(found, count, first):
    """What became of each line: the literal value, or the reason without the column's name."""
    became = {row["_line"]: repr(row["value"]) for row in found.rows}
    became |= {line: reason.removesuffix(":value") for line, reason in found.reasons}
    return [became.get(line) for line in range(first, first + count)]


def expected(cases, refusals=REFUSALS):
    return {written: wanted if wanted in refusals else repr(wanted) for written, wanted in cases.items()}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_csv_field_is_read_by_its_type(kind):
    cases = TEXTS[kind]
    found = csv(CONTRACTS[kind], *(f"1,{written}" for written in cases))
    became = dict(zip(cases, outcomes(found, len(cases), 2), strict=True))
    assert became == expected(cases, REFUSALS if kind != "string" else ())


@pytest.mark.parametrize("kind", VALUES)
def test_a_json_value_is_read_by_its_type(kind):
    cases = VALUES[kind]
    line = '{"data":{"id":1,"value":%s},"metadata":{"record-type":"data","operation":"load"}}'
    found = changes(CONTRACTS[kind], *(line % written for written in cases))
    became = dict(zip(cases, outcomes(found, len(cases), 1), strict=True))
    assert became == expected(cases)


@pytest.mark.parametrize("kind", TEXTS)
def test_an_empty_field_is_null_and_refused_where_null_is_not_allowed(kind):
    assert csv(CONTRACTS[kind], "1,", '2,""').reasons == [(2, "null:value"), (3, "null:value")]
    optional = contract("id bigint key", f"value {kind}?")
    assert csv(optional, "1,", '2,""').column("value") == [None, None]


@pytest.mark.parametrize("kind", VALUES)
def test_a_json_null_is_null_and_refused_where_null_is_not_allowed(kind):
    null = record({"id": 1, "value": None})
    assert changes(CONTRACTS[kind], null).reasons == [(1, "null:value")]
    assert changes(contract("id bigint key", f"value {kind}?"), null).column("value") == [None]


@pytest.mark.parametrize("written", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"])
def test_a_byte_that_is_not_utf8_refuses_its_line_only(written):
    found = csv(CONTRACTS["string"], b"1,a", b"2,b" + written, "3,é")
    assert found.reasons == [(3, "encoding")]
    assert found.column("value") == ["a", "é"]
    assert "raw_base64" in found.quarantine[0]
    good, bad = b'{"id":1,"value":"a"}', b'{"id":2,"value":"' + written + b'"}'
    lines = [
        b'{"data":%s,"metadata":{"record-type":"data","operation":"load"}}' % data for data in (good, bad)
    ]
    assert changes(CONTRACTS["string"], *lines).reasons == [(2, "encoding")]
