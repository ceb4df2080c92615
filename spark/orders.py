"""The order that a job receives and the report that it writes, both JSON."""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from spark.errors import JobError


@dataclass(frozen=True, slots=True)
class OrderFile:
    """One raw file. `version_id` is None in a bucket without versions; `etag` is of the registered content.

    `position` is the snapshot position of its reload, as written in `_BEGIN`.
    """

    file_id: str
    uri: str
    version_id: str | None
    epoch: int
    extract: int
    format: Literal["csv", "json", "begin", "complete"]
    etag: str = ""
    position: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt: the contract's URI, the raw files, and the folders for the results.

    `limits` are limits on one raw file that differ from the parser's defaults (`bronze.limits`). `rekeyed` is
    how often the key of the table's tokens was changed.
    """

    table: str
    attempt: str
    contract: str
    files: tuple[OrderFile, ...]
    bronze: str
    events: str
    quarantine: str
    limits: dict[str, int] = field(default_factory=dict)
    rekeyed: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """An order and the text of its contract."""

    order: Order
    contract: str


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """An object that the job wrote."""

    uri: str
    bytes: int


@dataclass(frozen=True, slots=True)
class FileReport:
    """The parser's report on one raw file, and the objects that were written."""

    file_id: str
    lines: int
    blank: int
    records: int
    rows: int
    quarantined: int
    control: int
    sha256: str
    reasons: dict[str, int]
    failure: str | None
    discarded: int
    objects: tuple[WrittenObject, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One entry per file, in the order's sequence. `token_key` is the name of the job's key."""

    files: tuple[FileReport, ...]
    token_key: str | None


def order_from(text: bytes, uri: str) -> Order:
    """Decode an order. Raises JobError, which names `uri`."""
    try:
        return msgspec.json.decode(text, type=Order)
    except msgspec.DecodeError as error:
        raise JobError(f"{uri} is not an order: {error}") from error


def report_text(report: Report) -> bytes:
    """Return the JSON text of `report`."""
    return msgspec.json.encode(report)
