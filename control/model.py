"""The vocabulary of the control plane as frozen values: raw files, batches, heads, findings.

`RawFile`, `Batch`, `Head`, `Reload` and `Stray` are items of the control store. Each has a fence: the fields
that must still be as the writer last saw them, or its write fails. So no write can forget its epoch.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

BatchState = Literal["pending", "claimed", "written", "published", "failed", "splitting", "split"]
Format = Literal["csv", "json", "begin", "complete"]
FileState = Literal["registered", "pending", "claimed", "written", "published", "failed"]
EngineName = Literal["light", "spark"]
Severity = Literal["warning", "error"]
# Places in the store's index, for items that need attention: open work, failed batches, finished batches with
# leftovers of attempts, and overwritten raw files. Batches that refused records stay there permanently.
WorkPlace = Literal["open", "failed", "untidy", "overwritten"]
Place = WorkPlace | Literal["quarantined"]

# Where raw files land; the folder in it is the table.
RAW = "raw/"
# Control records after which earlier rows of the table may be wrong.
ALARMING = ("truncate-table", "drop-table", "drop-column", "change-column-type", "rename-table")
# States in which a batch still needs someone's work.
OPEN_STATES: frozenset[BatchState] = frozenset({"pending", "claimed", "written", "splitting"})


def file_id_of(bucket: str, key: str, version_id: str) -> str:
    """Return the identity of a raw object: 64 hex digits derived from bucket, key and version id."""
    digest = hashlib.sha256()
    for part in (bucket, key, version_id):
        encoded = part.encode("utf-8", "surrogatepass")
        # The length in front keeps ("a", "bc") and ("ab", "c") apart.
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def batch_id_of(table: str, file_ids: tuple[str, ...], parent: str = "") -> str:
    """Return the id of the batch of `file_ids`, planned or from a split of `parent`; it is deterministic."""
    text = "\n".join((table, parent, *sorted(file_ids)))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class RawFile:
    """One object under `raw/<table>/`. It belongs to the batch `batch_id`, whose state is also its own.

    `format` is `begin` or `complete` for a marker of a reload; `reload` is the reload's folder, or empty.
    `version_id` is `null` in a bucket without versions, as in S3. `size_bytes` is the compressed size. `etag`
    identifies the content that counts; `overwritten` is the etag of later content that was reported.
    """

    FENCE: ClassVar[tuple[str, ...]] = ("batch_id", "etag")

    file_id: str
    table: str
    bucket: str
    key: str
    version_id: str
    etag: str
    size_bytes: int
    epoch: int
    extract: int
    format: Format
    landed_at: datetime
    registered_at: datetime
    batch_id: str | None = None
    # The batch whose refused records of this file were waived; its own id when left out of its reload.
    waived: str = ""
    reload: str = ""
    overwritten: str = ""

    @property
    def id(self) -> str:
        """Id in the control store."""
        return self.file_id

    @property
    def is_open(self) -> bool:
        """Whether the planner still has to put it into a batch."""
        return self.batch_id is None and not self.waived

    @property
    def uri(self) -> str:
        """URI of the object."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Reload:
    """A reload of a table, by its folder. `begin` and `complete` are the file ids of the markers that count.

    `position` is the one in `_BEGIN`, once that is published. `complete` stays empty until all files that
    `_COMPLETE` lists are published; after that, the reload accepts no more files.
    """

    FENCE: ClassVar[tuple[str, ...]] = ("position", "complete")

    table: str
    folder: str
    begin: str
    position: str = ""
    complete: str = ""

    @property
    def id(self) -> str:
        """Id in the control store."""
        return self.folder

    @property
    def is_open(self) -> bool:
        """Whether it is not complete yet."""
        return not self.complete


@dataclass(frozen=True, slots=True)
class Stray:
    """Objects of one folder under `raw/` that are not ingested, for one reason (`code`), as last listed.

    `incident` rises when there are some again after there were none; it began at `since`. People are `told`
    of each incident once; `gone` means that a listing no longer found any.
    """

    FENCE: ClassVar[tuple[str, ...]] = ("incident", "gone")
    # All are in one partition, since their folders are not tables.
    table: ClassVar[str] = ""

    code: str
    folder: str
    incident: int
    since: datetime
    count: int
    examples: tuple[str, ...]
    told: bool = False
    gone: bool = False

    @property
    def id(self) -> str:
        """Id in the control store."""
        return hashlib.sha256(f"{self.code}\n{self.folder}".encode()).hexdigest()[:24]

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to remove them."""
        return not self.gone


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of records; always `records = rows + quarantined + control`."""

    records: int = 0
    rows: int = 0
    quarantined: int = 0
    control: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.records + other.records,
            self.rows + other.rows,
            self.quarantined + other.quarantined,
            self.control + other.control,
        )

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(
            self.records - other.records,
            self.rows - other.rows,
            self.quarantined - other.quarantined,
            self.control - other.control,
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """The unit of publication: one table, one or more raw files and, once published, a number.

    `epoch` rises with each claim and fences off the previous holder; `owner` distinguishes two claims of the
    same epoch if a response was lost. `counts` is in the order of `file_ids`, once the batch is written.
    `events` counts its control records by kind; `told` means that its alerts are in the outbox. `error` has
    an error class and a place, never a value of a row. Attempts up to the epoch `swept` have no files left.
    `token_key` names the key of its tokens, if it has any; `rekeyed` says how often that key was changed.
    """

    # `told` as well: a redrive must not carry it over from the previous failure.
    FENCE: ClassVar[tuple[str, ...]] = ("state", "epoch", "told")

    batch_id: str
    table: str
    file_ids: tuple[str, ...]
    size_bytes: int
    engine: EngineName
    created_at: datetime
    parent: str = ""
    state: BatchState = "pending"
    epoch: int = 0
    attempts: int = 0
    owner: str = ""
    lease_expires_at: datetime | None = None
    not_before: datetime | None = None
    error: str = ""
    counts: tuple[Counts, ...] = ()
    events: dict[str, int] | None = None
    manifest_digest: str = ""
    number: int | None = None
    ingest_date: str = ""
    published_at: datetime | None = None
    told: bool = False
    swept: int = 0
    token_key: str | None = None
    rekeyed: int | None = None

    @property
    def id(self) -> str:
        """Id in the control store."""
        return self.batch_id

    @property
    def is_open(self) -> bool:
        """Whether it still needs attention, even if only for an alert."""
        return self.needs_work or self.untold

    @property
    def needs_work(self) -> bool:
        """Whether it is neither published nor given up."""
        return self.state in OPEN_STATES

    @property
    def unreferred(self) -> int:
        """The epoch up to which nothing refers to its attempts, or will once its worker is done."""
        return self.epoch - (self.state in ("claimed", "written", "published", "failed"))

    @property
    def alarms(self) -> tuple[str, ...]:
        """The kinds of alerts that it causes."""
        if self.state == "published":
            return tuple(kind for kind in ALARMING if (self.events or {}).get(kind))
        return ("failed",) if self.state == "failed" else ()

    @property
    def untold(self) -> bool:
        """Whether it causes an alert that is not in the outbox yet."""
        return not self.told and bool(self.alarms)

    @property
    def totals(self) -> Counts:
        """Counts over all files."""
        return sum(self.counts, Counts())


@dataclass(frozen=True, slots=True)
class Partition:
    """One Glue partition. Its location ends with a slash, so that `…-e1` never matches `…-e10`."""

    database: str
    table: str
    values: tuple[str, ...]
    location: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Tally:
    """The totals of a table's batches up to `number`, so that nobody has to read the batches.

    `files` counts the raw files in them, each once; `counts` is what became of their records when they were
    last published. `events` counts control records by kind, including those of replays; `events_at` is when
    the last of each kind was published. `published_at` is the time of the last batch.
    """

    number: int = 0
    files: int = 0
    counts: Counts = Counts()
    events: dict[str, int] = field(default_factory=dict)
    published_at: datetime | None = None
    events_at: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """Everything that the head is about to publish, so that completing it needs no computation."""

    number: int
    batch_id: str
    epoch: int
    ingest_date: str
    decided_at: datetime
    manifest_digest: str
    partitions: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The publication log of a table: `number` is published or, with an intent, `number + 1` is in progress.

    `listed_at` is when the bucket was last listed, if notifications report new files. `coming` is the `tally`
    once the intent is completed. `columns` identifies the contract columns that the catalog's tables have.
    `token_key` names the key of the table's tokens, None before the first; `rekeyed` says how often people
    changed it, None for never.
    """

    FENCE: ClassVar[tuple[str, ...]] = ("number", "intent", "rekeyed")

    table: str
    number: int = 0
    intent: Intent | None = None
    listed_at: datetime | None = None
    tally: Tally | None = None
    coming: Tally | None = None
    columns: str | None = None
    token_key: str | None = None
    rekeyed: int | None = None

    @property
    def counted(self) -> Tally | None:
        """The tally of everything published, None if it was not kept."""
        if self.number == 0:
            return Tally()
        return self.tally if self.tally and self.tally.number == self.number else None

    @property
    def id(self) -> str:
        """Id in the control store."""
        return self.table

    @property
    def is_open(self) -> bool:
        """Whether a publication is in progress."""
        return self.intent is not None


Item = RawFile | Batch | Head | Reload | Stray


def place_of(item: Item) -> Place | None:
    """Return the place of `item` in the store's index; None if it is done and needs no attention."""
    if item.is_open:
        return "open"
    if isinstance(item, RawFile):
        return "overwritten" if item.overwritten else None
    if isinstance(item, Batch) and item.state == "failed":
        return "failed"
    if isinstance(item, Batch) and item.unreferred > item.swept:
        return "untidy"
    refused = isinstance(item, Batch) and item.state == "published" and item.totals.quarantined
    return "quarantined" if refused else None


@dataclass(frozen=True, slots=True)
class StateTable:
    """A silver state table, the bronze table `table` that it reads, and the key columns that may be shown.

    `moments` are those that are timestamps: bronze has their exact value only in a `_us` column next to them.
    """

    table: str
    name: str
    key: tuple[str, ...]
    moments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """A result of a check: what, where and what to do. Only an `error` makes a command exit with 1."""

    code: str
    severity: Severity
    where: str
    message: str


def fenced(item: Item) -> dict[str, object]:
    """Return the fields of the fence of `item`, with their values."""
    return {name: getattr(item, name) for name in item.FENCE}


def already(stored: Item, wanted: Item, changed: Iterable[str]) -> bool:
    """Whether `stored` is as a write of `wanted` would leave it: a retry after a lost response succeeds.

    The fence is compared as well: a fenced-off worker must not mistake another worker's lease for its own.
    """
    return all(getattr(stored, name) == getattr(wanted, name) for name in (*changed, *wanted.FENCE))
