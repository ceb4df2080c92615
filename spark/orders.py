"""The order that a job is given and the report that it gives back, both JSON."""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from spark.errors import JobError


@dataclass(frozen=True, slots=True)
class OrderFile:
    """One raw file. `version_id` is None in a bucket without versions; `etag` is of what was registered.

    `position` is that of the snapshot of the reload that it belongs to, as its `_BEGIN` writes it.
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
    """One attempt: the contract's URI, the raw files, and the folders for what becomes of them.

    `limits` are caps on one raw file that differ from the parser's defaults (`bronze.limits`). `rekeyed` says
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
    """What the parser reports about one raw file, and the objects that hold its content now."""

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
    """One entry per file of the order, in its order. `token_key` names the key that the job has."""

    files: tuple[FileReport, ...]
    token_key: str | None


def order_from(text: bytes, uri: str) -> Order:
    """Read an order. Raises JobError, naming `uri`."""
    try:
        return msgspec.json.decode(text, type=Order)
    except msgspec.DecodeError as error:
        raise JobError(f"{uri} is not an order: {error}") from error


def report_text(report: Report) -> bytes:
    """The JSON text of `report`."""
    return msgspec.json.encode(report)
