"""Data exchanged between the control plane and an engine: attempt, work order, report, sealed manifest."""

from dataclasses import dataclass, field

from control.model import Batch, Counts, Format


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at writing a batch, under one epoch, in folders of its own (URIs without a trailing slash)."""

    lake: str
    table: str
    batch_id: str
    epoch: int

    @property
    def id(self) -> str:
        """Name of its folders."""
        return f"{self.batch_id}-e{self.epoch}"

    @property
    def bronze(self) -> str:
        """Folder of its rows."""
        return f"s3://{self.lake}/bronze/{self.table}/{self.id}"

    @property
    def events(self) -> str:
        """Folder of its control records."""
        return f"s3://{self.lake}/bronze/{self.table}_events/{self.id}"

    @property
    def quarantine(self) -> str:
        """Folder of its refused lines."""
        return f"s3://{self.lake}/quarantine/{self.table}/{self.id}"

    def document(self, name: str) -> str:
        """URI of one of its documents: `order.json`, `contract.yaml`, `report.json` or `manifest.json`."""
        return f"s3://{self.lake}/attempts/{self.table}/{self.id}/{name}"


def attempt_of(batch: Batch, lake: str) -> Attempt:
    """Return the current attempt at `batch`."""
    return Attempt(lake, batch.table, batch.batch_id, batch.epoch)


@dataclass(frozen=True, slots=True)
class OrderFile:
    """One raw file of a work order. `version_id` is None in a bucket without versions.

    `etag` identifies the registered content; other content is not this file. `position` is that of the
    snapshot of its reload.
    """

    file_id: str
    uri: str
    version_id: str | None
    epoch: int
    extract: int
    format: Format
    etag: str = ""
    position: str | None = None


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """What an engine is asked to do; `bronze`, `events` and `quarantine` are the folders it writes to.

    `limits` are the parser's caps on one raw file that differ from its defaults. `rekeyed` says how often the
    key of the table's tokens was changed.
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

    def document(self, name: str) -> str:
        """URI of one of the attempt's documents, which are beside its contract."""
        return f"{self.contract.rpartition('/')[0]}/{name}"


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """An object that an engine says it wrote."""

    uri: str
    bytes: int


@dataclass(frozen=True, slots=True)
class FileReport:
    """An engine's report on one raw file. `failure` is the reason code if it was refused as a whole."""

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
    objects: tuple[WrittenObject, ...]
    discarded: int = 0

    @property
    def counts(self) -> Counts:
        """What became of its records."""
        return Counts(self.records, self.rows, self.quarantined, self.control)


@dataclass(frozen=True, slots=True)
class Report:
    """An engine's report on a work order, one entry per file. `token_key` names the key that it used."""

    files: tuple[FileReport, ...]
    token_key: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The sealed content of an attempt, written once. It has no time: sealing twice gives the same bytes."""

    table: str
    batch_id: str
    epoch: int
    contract_version: str
    files: tuple[FileReport, ...]
    events: dict[str, int]

    @property
    def totals(self) -> Counts:
        """Counts over all files."""
        return sum((file.counts for file in self.files), Counts())
