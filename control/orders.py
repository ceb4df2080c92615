"""What passes between the control plane and an engine: the work order, its report, the sealed manifest."""

from dataclasses import dataclass, field

from control.model import Counts, Format


@dataclass(frozen=True, slots=True)
class OrderFile:
    """One raw file of a work order. `version_id` is None in a bucket without versions.

    `etag` is of what was registered: other content is not this file. `position` is of its reload's snapshot.
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

    `limits` are the parser's caps on one raw file that differ from its defaults.
    """

    table: str
    attempt: str
    contract: str
    files: tuple[OrderFile, ...]
    bronze: str
    events: str
    quarantine: str
    limits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """An object that an engine says it wrote."""

    uri: str
    bytes: int


@dataclass(frozen=True, slots=True)
class FileReport:
    """What an engine says about one raw file. `failure` is the reason code of a file refused as a whole."""

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
    """The answer of an engine to a work order: one entry per file."""

    files: tuple[FileReport, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The sealed content of an attempt, written once. Holds no time: sealing twice gives the same bytes."""

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
