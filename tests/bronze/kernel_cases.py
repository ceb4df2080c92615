"""Texts that the kernel must accept, texts that it must not, and texts that are close to both, by kind."""

from decimal import Decimal
from random import Random

ZEROS = "0" * 19
# Numbers that some readers accept wrongly.
TROUBLE = [
    "1.", "-1.", ".", "-", "--1", "1-2", "1.2.3", "+1", "0x1F", "nan", "inf", "1e400", "1_000", "1/2", "",
    f"{ZEROS}7", f"-{ZEROS}7", f"0{ZEROS}0", "09223372036854775807", f"{ZEROS}9223372036854775807",
    "9223372036854775808", "2147483648", "1" * 310, "-" + "9" * 400, "9" * 40, "4" * 39 + ".5", "1" * 19,
    "-0", "-00", "0-0", "00", "01", "-01", "0.0", "-0.0", "-0e5", "1e5", "1E+5", "1e-5", "1e", "1e+", "1e1.5",
    "1.5e3", ".5", "-.5", "5.e3", "null", "nul", "nulll", "true", "truee", "tru", "false", "False", "1:",
    "1;", "\u0663", "1\u00a0", "1\0", "1 2", "1'", "1\x0b", "99999999", "100000000",
    "-99999999", "12345678,",
]  # fmt: skip

# Fields of an extract that take the fast path.
QUICK_TEXTS = {
    "int": ["0", "7", "-7", "007", " 7", "7 ", "\t7 \t", '"7"', '" 7 "', "2147483647", "-2147483648", "-0",
            "12345678", "123456789", "000000000000000001"],
    "bigint": ["0", "-7", "007", " 7 ", '"7"', "999999999999999999", "-999999999999999999",
               "1" * 18, "9223372036854775807", "-9223372036854775807", "0" * 18 + "7"],
    "float": ["0", "-0", "-0.0", "1.5", "4.35", "16777217", "3.4028234663852886e38", "1e-46", "-1e38",
              '"1.5"', "0.30000000000000004"],
    "double": ["0", "-0", "-0.0", "1.5", "007.50", "4.35", "1e3", "1E3", "1e+3", "1.5e-3", "0.1", '"1.5"',
               "0.30000000000000004", "123456789012345", "999999999999999.25", "1e22", "1e23",
               "2.2250738585072011e-30", "8.5e99", "0e99"],
    "decimal(5,2)": ["0", "-0", "1", "-1.5", "999.99", "-999.99", "1.50", "001.5", '"1.5"', "12.05"],
    "decimal(38,0)": ["0", "-1", "9" * 38, "-" + "9" * 38, "0" * 38],
    "decimal(38,38)": ["0", "-0", "0." + "1" * 38, "-0." + "9" * 38, "0.5"],
    "decimal(18,2)": ["0", "9" * 16 + ".99", "-" + "9" * 16 + ".99", "0.01", "1000000"],
    "boolean": ["true", "false", '"true"'],
    "date": ["2024-02-29", "0001-01-01", "9999-12-31", "1969-12-31", "1970-01-01", "2000-02-29",
             '"2024-12-31"'],
    "timestamp": ["2024-05-06T07:08:09Z", "2024-05-06T07:08:09", "2024-02-29T23:59:59.5Z",
                  "0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999",
                  "2024-05-06T07:08:09.000001Z", '"2024-05-06T07:08:09.12Z"'],
    "string": ["a", " a ", "NULL", "é", "日本", "😀", "\u2028", "\ufeffa", "a\0b", "a\tb", "'a'", "\\n",
               "\x7f", '"a,b"', '"a""b"', '""""', '"a"""', '"""a"', '" a"', "a" * 500, '"é""b"'],
}  # fmt: skip

KINDS = list(QUICK_TEXTS)

# Values of change records that take the fast path, when the records are otherwise alike.
QUICK_VALUES = {
    "int": ["0", "7", "-7", "2147483647", "-2147483648", "12345678", "123456789"],
    "bigint": ["0", "-7", "999999999999999999", "-999999999999999999"],
    "float": ["0", "-0.0", "0.0", "1.5", "4.35", "16777217", "3.4028234663852886e38", "1e-46"],
    "double": ["0", "-0.0", "0.5", "-1.5", "4.35", "1e3", "1E+3", "1.5e-3", "1e22", "8.5e99",
               "0.30000000000000004", "123456789012345"],
    "decimal(5,2)": ["0", "-0", "1", "-1.5", "999.99", "1.50", "12.05"],
    "decimal(38,0)": ["0", "-1", "9" * 38, "-" + "9" * 38],
    "decimal(38,38)": ["0", "0." + "1" * 38, "-0." + "9" * 38],
    "decimal(18,2)": ["0", "9" * 16 + ".99", "-0.01"],
    "boolean": ["true", "false"],
    "date": [f'"{text}"' for text in QUICK_TEXTS["date"] if '"' not in text],
    "timestamp": [f'"{text}"' for text in QUICK_TEXTS["timestamp"] if '"' not in text],
    "string": ['""', '"a"', '" a "', '"null"', '"é"', '"日本"', '"😀"', '"\u2028"', '"{"', '"}{,:"', '"\x7f"',
               '"' + "a" * 500 + '"', '"' + "é" * 40 + '"', '"\\""', '"\\\\"', '"a\\/\\b\\f\\n\\r\\t"',
               '"é\\\\é"', '"' + 'a\\"' * 40 + '"'],
}  # fmt: skip

# Positions that take the fast path, and similar texts that are invalid or of another kind.
QUICK_POSITIONS = {
    "lsn": [
        "0/0",
        "0/16B3748",
        "ffffffff/FFFFFFFF",
        "00000002/7C007178.3.00000002/7C007178",
        "A/b.",
        "1/2./.F",
    ],
    "binlog": [
        "mysql-bin.000123:4567",
        ".1:2",
        "a.b.0000000001:00000000000000000007",
        "é.9:8:x y~",
        "x.1:2:",
    ],
    "number": ["0", "42", "00000000000000000042", "9" * 20],
    "timestamp": ["2024-05-06T07:08:09Z", "1970-01-01T00:00:00", "9999-12-31T23:59:59.999999Z"],
}
ODD_POSITIONS = {
    "lsn": ["", "0", "/1", "1/", "0//1", "0/1/2", "123456789/1", "1/123456789", "g/1", "1/g", "1.2/3",
            "1/2.g", "1/2 ", "+1/2", "0x1/2", "1/2,", "é/1", "1/é", "1/2.é"],
    "binlog": ["", ".", ":", "a:1", "a.b:1", "a.1:", "a.1:b", "a.:1", "a.12345678901:1", "a.1:" + "1" * 21,
               "a.1:2:é", "a.1:2:\x7f", "a.1 :2", "a:b.1:2", "a.1:2x:", "1:2"],
    "number": ["", "-1", "+1", "1.0", " 1", "1 ", "9" * 21, "x", "1e3", "\u0663"],
    "timestamp": ["", "1969-12-31T23:59:59.999999Z", "2024-05-06", "2024-05-06T07:08Z", "soon",
                  "2024-02-30T00:00:00Z", "2024-05-06T07:08:09.1234567Z", "2024-05-06T07:08:09+00:00"],
}  # fmt: skip
ORDERS = ["0", "1", "999999999999999999"]
ODD_ORDERS = ["-1", "-0", "1.0", "1e3", "01", "9" * 19, "9" * 40, '"1"', "true"]

# Timestamps near the limits of clock and calendar; dates come first.
ODD_MOMENTS = [
    "2023-02-29", "1900-02-29", "2024-02-30", "2024-13-01", "2024-00-01", "2024-01-00", "2024-04-31",
    "0000-01-01",
    "2024-1-1", "20240101", "2024-01-01x", "2024/01/01", "2024-01/01", "+024-01-01", "2024-0a-01",
    " 2024-01-01", ]  # fmt: skip
ODD_TIMES = [
    "T24:00:00Z", "T23:60:00Z", "T23:59:60Z", "t00:00:00Z", " 00:00:00Z", "T00:00:00z", "T00:00Z",
    "T00:00:00.Z",
    "T00:00:00.1234567Z", "T00:00:00.1234560Z", "T00:00:00+00:00", "T00:00:00-01:00", "T00:00:00ZZ",
    "T00:00:00 ",
    "T0a:00:00Z", "T00-00:00Z", "T00:00-00Z", "T00:00:0Z", "T", "", "T00:00:00.1.1Z", "T00:00:00,1Z",
]  # fmt: skip


def numbers(random: Random, count: int) -> list[str]:
    """Return numbers as programs write them, of every length and size, and numbers between two doubles."""
    found = []
    for _ in range(count):
        digits = random.randrange(1, 20)
        size = random.uniform(-1, 1) * 10.0 ** random.randrange(-30, 30)
        middle = random.randrange(2**52, 2**53) * 2 + 1  # between two doubles: a tie
        found += [
            repr(size),
            f"{size:.{random.randrange(15, 18)}g}",
            f"{size:.{random.randrange(18)}e}",
            f"{Decimal(size):.{digits}f}",
            str(middle),
            f"{middle}e{random.randrange(-40, 40)}",
            f"{random.randrange(10**digits)}.{random.randrange(10**17):0{random.randrange(1, 18)}d}",
            f"{random.randrange(10**15)}.{random.randrange(10**4)}",
        ]
    return found


def runs() -> list[str]:
    """Return runs of digits of every length up to 40, with and without a point at every place."""
    digits = "98765432109876543210987654321098765432109"
    texts = []
    for size in range(1, 41):
        run = digits[:size]
        texts += [
            run,
            f"-{run}",
            "0" * size,
            "1" + "0" * (size - 1),
            f"0.{run}",
            "9" * size,
            "0" * size + "1",
        ]
        texts += [f"{run[:at]}.{run[at:]}" for at in range(size + 1)]
    return texts
