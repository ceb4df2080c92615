"""Raw files of generated reviews to measure the parser with: extracts and change records, good and bad.

Change records are as DMS writes them (`json`) or as Debezium does (`debezium`).
"""

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Literal

from isal import igzip

from control.sample.changes import Change, Edit, lsn_text
from control.sample.disorder import broken_changes, broken_extract_lines
from control.sample.extracts import HEADER, extract_texts
from control.sample.shop import DATA, open_shop, review_row

Shape = Literal["csv", "json", "debezium"]

SEED = 7
BAD_EVERY = 1000
# A busy table sends mostly new rows.
OPERATIONS = ("insert",) * 16 + ("update",) * 3 + ("delete",)
FIRST_LSN, FIRST_TRANSACTION, FIRST_AT = 0x0FFF_F000, 700_000, datetime(2025, 1, 2, 6, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RawData:
    """Raw files of `rows` reviews under `folder`, each created on first use."""

    folder: Path
    rows: int

    def clean(self, shape: Shape) -> Path:
        """Return a file of good records."""
        name = f"reviews-{self.rows}" + ("-debezium.json.gz" if shape == "debezium" else f".{shape}.gz")
        return self._made(name, lambda: _LINES[shape](self.rows))

    def bad(self, shape: Shape) -> Path:
        """Return the same file with one broken line in a thousand, in turn in every way the sample knows."""
        return self._made(f"reviews-{self.rows}-bad.{shape}.gz", lambda: _spoilt(self.clean(shape), shape))

    def large(self, inflated: int) -> Path:
        """Return an extract of `inflated` bytes or a little more: the same rows over and over."""
        return self._made(
            f"reviews-{inflated >> 20}-mib.csv.gz", lambda: _repeated(self.clean("csv"), inflated)
        )

    def _made(self, name: str, lines: Callable[[], Iterable[bytes]]) -> Path:
        path, growing = self.folder / name, self.folder / f"{name}.growing"
        if not path.exists():
            with igzip.open(growing, "wb", compresslevel=2) as file:
                file.writelines(lines())
            growing.rename(path)
        return path


def _extract_lines(rows: int) -> Iterator[bytes]:
    yield HEADER.encode()
    for text in extract_texts(open_shop(DATA, rows=rows, seed=SEED)):
        yield text[len(HEADER) :]


def _change_lines(rows: int) -> Iterator[bytes]:
    """Yield what `change_line` writes, many times faster."""
    rng = Random(SEED)
    lsn, transaction, at = FIRST_LSN, FIRST_TRANSACTION, FIRST_AT
    names = HEADER.rstrip().split(",")
    data = ",".join(f'"{name}":%s' for name in names)
    line = (
        f'{{"data":{{{data}}},"metadata":{{"timestamp":"%s","record-type":"data","operation":"%s",'
        '"partition-key-type":"primary-key","schema-name":"public","table-name":"review",'
        '"transaction-id":%d,"transaction-record-id":1,"prev-transaction-id":%d,'
        '"prev-transaction-record-id":1,"commit-timestamp":"%s","stream-position":"%s"}}\n'
    )
    for text in extract_texts(open_shop(DATA, rows=rows, seed=SEED)):
        lines = []
        for row in text[len(HEADER) :].decode().splitlines():
            moment = f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
            values = [value or "null" for value in row.split(",")]
            place = (transaction, transaction - 1, moment, lsn_text(lsn))
            lines.append(line % (*values, moment, rng.choice(OPERATIONS), *place))
            lsn, transaction = lsn + rng.randrange(0x38, 0x400, 8), transaction + 1
            at += timedelta(microseconds=rng.randrange(1_000, 3_000_000))
        yield "".join(lines).encode()


def _debezium_lines(rows: int) -> Iterator[bytes]:
    """Yield the same changes as Debezium's connector for PostgreSQL writes them."""
    rng = Random(SEED)
    lsn, committed, transaction, at = FIRST_LSN, FIRST_LSN - 0x100, FIRST_TRANSACTION, FIRST_AT
    row = "{" + ",".join(f'"{name}":%s' for name in HEADER.rstrip().split(",")) + "}"
    line = (
        '{"before":%s,"after":%s,"source":{"version":"3.6.1.Final","connector":"postgresql","name":"shop",'
        '"ts_ms":%d,"snapshot":"false","db":"shop","sequence":"[\\"%d\\",\\"%d\\"]","ts_us":%d,"ts_ns":%d000,'
        '"schema":"public","table":"review","txId":%d,"lsn":%d,"xmin":null,"origin":null,"origin_lsn":null},'
        '"transaction":null,"op":"%s","ts_ms":%d,"ts_us":%d,"ts_ns":%d000}\n'
    )
    for text in extract_texts(open_shop(DATA, rows=rows, seed=SEED)):
        lines = []
        for values in text[len(HEADER) :].decode().splitlines():
            data = row % tuple(value or "null" for value in values.split(","))
            operation = rng.choice(OPERATIONS)
            sides = (data, "null") if operation == "delete" else ("null", data)
            us = round(at.timestamp() * 1_000_000)
            said = (us // 1000, committed, lsn, us, us, transaction, lsn)
            seen = us + 500_000
            lines.append(line % (*sides, *said, _WORDS[operation], seen // 1000, seen, seen))
            lsn, committed, transaction = lsn + rng.randrange(0x38, 0x400, 8), lsn + 0x30, transaction + 1
            at += timedelta(microseconds=rng.randrange(1_000, 3_000_000))
        yield "".join(lines).encode()


_WORDS = {"insert": "c", "update": "u", "delete": "d"}
_LINES: dict[Shape, Callable[[int], Iterator[bytes]]] = {
    "csv": _extract_lines, "json": _change_lines, "debezium": _debezium_lines,
}  # fmt: skip


def _spoilt(clean: Path, shape: Shape) -> Iterator[bytes]:
    with igzip.open(clean, "rb") as lines:
        header, example = next(lines), next(lines)
        broken = cycle(broken_extract_lines(example.rstrip()) if shape == "csv" else _broken_changes())
        yield header + example
        for number, line in enumerate(lines):
            yield line if (number + BAD_EVERY // 2) % BAD_EVERY else next(broken) + b"\n"


def _broken_changes() -> list[bytes]:
    row = review_row(open_shop(DATA, rows=1, seed=SEED), 0)
    return broken_changes(Change(Edit("review", "insert", row), FIRST_LSN, FIRST_TRANSACTION, 1, FIRST_AT))


def _repeated(clean: Path, inflated: int) -> Iterator[bytes]:
    content = gzip.decompress(clean.read_bytes())
    header, rows = content[: len(HEADER)], content[len(HEADER) :]
    yield header
    yield from [rows] * -(-inflated // len(rows))
