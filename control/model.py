"""The words of the control plane as frozen values: raw files, batches, heads, findings.

`RawFile`, `Batch`, `Head`, `Reload` and `Stray` are items of the control store. Each names its fence: the
fields that must be as the writer last saw them for a write to count. So no write can forget its epoch.
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
# Where the store keeps what needs someone: open work, what failed for good, what is done but for leftovers of
# its attempts, and raw files that were overwritten. At hand is also, for good, what refused records.
WorkPlace = Literal["open", "failed", "untidy", "overwritten"]
Place = WorkPlace | Literal["quarantined"]

# Where raw files land; the folder in it is the table.
RAW = "raw/"
# Control records after which the rows that came before no longer tell the truth.
ALARMING = ("truncate-table", "drop-table", "drop-column", "change-column-type", "rename-table")
# States in which a batch still needs someone's work.
OPEN_STATES: frozenset[BatchState] = frozenset({"pending", "claimed", "written", "splitting"})


def file_id_of(bucket: str, key: str, version_id: str) -> str:
    """Identity of a raw object: 64 hex digits of its bucket, key and version id."""
    digest = hashlib.sha256()
    for part in (bucket, key, version_id):
        encoded = part.encode("utf-8", "surrogatepass")
        # The length in front keeps ("a", "bc") and ("ab", "c") apart.
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def batch_id_of(table: str, file_ids: tuple[str, ...], parent: str = "") -> str:
    """Identity of the batch that the planner or a split `parent` makes of `file_ids`, the same each time."""
    text = "\n".join((table, parent, *sorted(file_ids)))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class RawFile:
    """One object under `raw/<table>/`. `batch_id` says whose it is; its state is that batch's state.

    `format` is `begin` or `complete` for a marker of a reload, `reload` that reload's folder, empty outside.
    `version_id` is `null` in a bucket without versions, as S3 says it; `size_bytes` is compressed. `etag` is
    of the content that counts, `overwritten` that of other content which people were told the key holds now.
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
        """Does the planner still have to put it into a batch?"""
        return self.batch_id is None and not self.waived

    @property
    def uri(self) -> str:
        """Where the object is."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Reload:
    """A reload of a table by its folder. `begin` and `complete` are the file ids of the markers that count.

    `position` is what `_BEGIN` states, once published. `complete` stays empty until all that `_COMPLETE`
    lists is published; from then on no file is taken into the reload.
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
        """Is it not complete?"""
        return not self.complete


@dataclass(frozen=True, slots=True)
class Stray:
    """Objects under `raw/` that nobody ingests, of one folder and for one reason (`code`), as last listed.

    `incident` rises when there are some after there were none, which was `since` then. People are `told` of
    each incident once; `gone` says that a listing found none any more.
    """

    FENCE: ClassVar[tuple[str, ...]] = ("incident", "gone")
    # All in one partition: their folders are no tables.
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
        """Does somebody have to take them away?"""
        return not self.gone


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the records: `records = rows + quarantined + control`, always."""

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
    """The unit of publication: one table, one or more raw files, at last a number.

    `epoch` rises with each claim and fences off whoever held it before; `owner` tells two claims of the same
    epoch apart when a response was lost. `counts` stands in the order of `file_ids` once it is written.
    `events` counts its control records by kind; `told` says that the alerts of it are put out. `error` holds
    a class and place, never a value of a row. Up to the epoch `swept`, nothing is left of its attempts.
    `token_key` names the key that made its tokens, None without any, after that was changed `rekeyed` times.
    """

    # `told` too: whoever gives a batch another round must not carry the telling of the last one over.
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
        """Does it still need someone, be it only to tell people of it?"""
        return self.needs_work or self.untold

    @property
    def needs_work(self) -> bool:
        """Is it neither published nor given up?"""
        return self.state in OPEN_STATES

    @property
    def unreferred(self) -> int:
        """Up to which epoch nobody refers to its attempts, now or as soon as its worker is done."""
        return self.epoch - (self.state in ("claimed", "written", "published", "failed"))

    @property
    def alarms(self) -> tuple[str, ...]:
        """What people must know of it, by kind."""
        if self.state == "published":
            return tuple(kind for kind in ALARMING if (self.events or {}).get(kind))
        return ("failed",) if self.state == "failed" else ()

    @property
    def untold(self) -> bool:
        """Must people know something of it that nobody has put into the outbox of alerts?"""
        return not self.told and bool(self.alarms)

    @property
    def totals(self) -> Counts:
        """Counts over all files."""
        return sum(self.counts, Counts())


@dataclass(frozen=True, slots=True)
class Partition:
    """One Glue partition, exactly. Its location ends with a slash, so that `…-e1` never reads `…-e10`."""

    database: str
    table: str
    values: tuple[str, ...]
    location: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Tally:
    """What the batches of a table up to `number` add up to, so that nobody has to read them to know.

    `files` counts the raw files in them, each once; `counts` what became of their records the last time that
    they were published. `events` counts control records by kind, those of a replay too, `events_at` is when
    the last of each was published. `published_at` is that of the last batch.
    """

    number: int = 0
    files: int = 0
    counts: Counts = Counts()
    events: dict[str, int] = field(default_factory=dict)
    published_at: datetime | None = None
    events_at: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """What the head is about to publish, complete: whoever rolls it forward computes nothing anew."""

    number: int
    batch_id: str
    epoch: int
    ingest_date: str
    decided_at: datetime
    manifest_digest: str
    partitions: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The publication log of a table: `published number`, or with an intent `publishing number + 1`.

    `listed_at` is when the bucket was last compared with the store, by those who are told of new files.
    `coming` is what `tally` will be once the intent is carried out. `columns` tells which columns of the
    contract the catalog's tables were brought to. `token_key` names the key that makes the table's tokens,
    None before the first; `rekeyed` says how often people changed it, None for never.
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
        """The tally of all that is published, None when nobody has kept it."""
        if self.number == 0:
            return Tally()
        return self.tally if self.tally and self.tally.number == self.number else None

    @property
    def id(self) -> str:
        """Id in the control store."""
        return self.table

    @property
    def is_open(self) -> bool:
        """Is a publication under way?"""
        return self.intent is not None


Item = RawFile | Batch | Head | Reload | Stray


def place_of(item: Item) -> Place | None:
    """Where the store keeps `item` at hand; None for what is done, which nobody reads to find the rest."""
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
class Finding:
    """Something that a check found: what, where, what to do. Only an `error` makes a command end with 1."""

    code: str
    severity: Severity
    where: str
    message: str


def fenced(item: Item) -> dict[str, object]:
    """The fence of `item` and its values."""
    return {name: getattr(item, name) for name in item.FENCE}


def already(stored: Item, wanted: Item, changed: Iterable[str]) -> bool:
    """Is `stored` what a write of `wanted` would have made it? So a retry after a lost response succeeds.

    The fence is compared too: a fenced-off worker must not take another's equal lease for its own.
    """
    return all(getattr(stored, name) == getattr(wanted, name) for name in (*changed, *wanted.FENCE))
