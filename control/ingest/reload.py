"""Reloads: when the files of a reload may be parsed, and when it is complete.

A reload's files wait until its `_BEGIN` is published, because that states their position in the sequence. Its
`_COMPLETE` waits until exactly the object versions that it lists are published, with as many records as it
says and no refused record that was not waived. Waiting files stay registered and block nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from control.errors import ConflictError, EngineError, NotFoundError
from control.ingest import alerts
from control.ingest.files import SHOWN_ID
from control.ingest.rules import Rules
from control.model import Batch, Finding, RawFile, Reload, file_id_of
from control.outcomes import counts_in
from control.ports import Parts, every

if TYPE_CHECKING:
    from bronze.markers import ListedFile

IN_VAIN = (
    "; if that will never come, begin another reload under a new number, and"
    " `dm quarantine waive` each file of this one that `dm files list --state registered` shows"
)


@dataclass(slots=True)
class Reloads:
    """The reloads of one table, cached while its files are planned once."""

    table: str
    parts: Parts
    _found: dict[str, Reload | str] = field(default_factory=dict)
    # Since when something waits, by folder and reason.
    _waiting: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _complete: list[Reload] | None = None
    _outdated: set[str] = field(default_factory=set)

    def ready(self, file: RawFile) -> bool:
        """Whether `file` may be planned now; if not, the reason is kept for `findings`.

        An extract beside a complete reload is ready, but its rows count as older: this raises an alert.
        """
        problem = self._problem(file) if file.reload else ""
        if not file.reload and file.format == "csv" and (newer := self._newer(file)):
            outdated = _superseded(file, newer, self.parts)
            alerts.put(outdated, self.parts)
            self._outdated.add(outdated.message)
        if problem:
            place = (file.reload, problem)
            self._waiting[place] = min(file.landed_at, self._waiting.get(place, file.landed_at))
        return not problem

    def findings(self, rules: Rules) -> Iterator[Finding]:
        """Yield what waits, and for what; it becomes an error after `reload_seconds`."""
        now = self.parts.clock.now()
        for (folder, reason), since in sorted(self._waiting.items()):
            late = (now - since).total_seconds() >= rules.reload_seconds
            yield Finding(
                code="reload.waiting",
                severity="error" if late else "warning",
                where=folder,
                message=f"raw files wait: {reason}{IN_VAIN if late else ''}",
            )

    def outdated(self) -> Iterator[Finding]:
        """Yield the extracts that were ready although a complete reload is newer."""
        for message in sorted(self._outdated):
            yield Finding("reload.newer", "warning", self.table, message)

    def _newer(self, file: RawFile) -> Reload | None:
        """Return a complete reload that an extract is older than: one of its epoch, or of a later one."""
        if self._complete is None:
            found = every(self.parts.store, Reload, self.table)
            self._complete = [reload for reload in found if reload.complete]
        return next((reload for reload in self._complete if epoch_of(reload) >= file.epoch), None)

    def _problem(self, file: RawFile) -> str:
        """Return what `file` waits for; empty if nothing."""
        if file.format == "begin":
            first = self.parts.store.get(Reload, self.table, file.reload)
            same = first is not None and first.begin == file.file_id
            return "" if same else "there was another _BEGIN before this one"
        if file.reload not in self._found:
            self._found[file.reload] = self._find(file.reload)
        reload = self._found[file.reload]
        if isinstance(reload, str):
            return reload
        if file.format == "complete":
            return self._completed(file, reload)
        return "the reload is complete: begin another one under a new number" if reload.complete else ""

    def _find(self, folder: str) -> Reload | str:
        """Return the reload if its `_BEGIN` is published, else what it waits for."""
        store = self.parts.store
        reload = store.get(Reload, self.table, folder)
        if reload is None:
            return "its _BEGIN has not come"
        if reload.position:
            return reload
        begin = store.get(RawFile, self.table, reload.begin)
        if begin is None or not _is_published(begin, self.parts):
            return "its _BEGIN is not published"
        from bronze import markers

        try:
            position = markers.begin(_content(begin, self.parts))
        except (ConflictError, NotFoundError) as error:
            return f"its _BEGIN can no longer be read: {error.message}"
        try:
            return store.update(reload, replace(reload, position=position))
        except ConflictError:  # another worker has noted it, and the reload may be complete by now
            return store.get(Reload, self.table, folder) or reload

    def _completed(self, file: RawFile, reload: Reload) -> str:
        """Mark `reload` complete, by the marker `file`, if it is; return what is lacking, if anything."""
        if reload.complete:
            return "" if reload.complete == file.file_id else "the reload was complete before"
        from bronze import markers
        from bronze.errors import FileRefusedError

        try:
            listed = markers.complete(_content(file, self.parts))
        except FileRefusedError:
            return ""  # the parser will refuse it too, and quarantine it
        except (ConflictError, NotFoundError) as error:
            return f"its _COMPLETE can no longer be read: {error.message}"
        problem = _lacking(reload, file.bucket, listed, self.parts)
        if not problem:
            if not any(one.records for one in listed):
                # The alert goes first, so that a crash in between does not lose it.
                alerts.put(_emptied(reload, self.parts), self.parts)
            wanted = replace(reload, complete=file.file_id)
            try:
                self._found[reload.folder] = self.parts.store.update(reload, wanted)
            except ConflictError:
                return "the reload was complete before"
        return problem


def _emptied(reload: Reload, parts: Parts) -> alerts.Incident:
    """Return the alert for a reload without records: a failed export may have written nothing."""
    message = (
        f"the reload {reload.folder} is complete without a record: all that {reload.table} had before its "
        "snapshot counts as deleted. If the source still has rows, reload them under a new number"
    )
    return alerts.Incident(
        "source.reload-of-nothing", reload.table, reload.folder, message, parts.clock.now()
    )


def epoch_of(reload: Reload) -> int:
    """Return the epoch that the folder of a reload names."""
    from bronze.parse import source_of

    return source_of(f"{reload.folder}_BEGIN", "").epoch


def _superseded(file: RawFile, reload: Reload, parts: Parts) -> alerts.Incident:
    """Return the alert for an extract whose rows a complete reload has replaced."""
    message = (
        f"extract {file.extract} of {file.table} counts as older than the complete reload {reload.folder}: "
        "rows of it that the reload lacks count as deleted. If it is newer, deliver it as another reload"
    )
    return alerts.Incident(
        "reload.newer", file.table, f"{reload.folder} {file.extract}", message, parts.clock.now()
    )


def position_of(file: RawFile, parts: Parts) -> str | None:
    """Return the snapshot position that `file` is parsed with; None outside of a reload and for a `_BEGIN`.

    Raises EngineError if the `_BEGIN` is not published.
    """
    if not file.reload or file.format == "begin":
        return None
    reload = parts.store.get(Reload, file.table, file.reload)
    if reload is None or not reload.position:
        raise EngineError(f"{file.key}: the _BEGIN of its reload is not published")
    return reload.position


def _lacking(reload: Reload, bucket: str, listed: Sequence["ListedFile"], parts: Parts) -> str:
    """Return the first reason why a reload with these `listed` files is not complete; empty if it is."""
    for file in listed:
        if problem := _missing(reload, bucket, file, parts):
            return f"{file.key} (version {file.version_id}), which its _COMPLETE lists, {problem}"
    wanted = {(file.key, file.version_id) for file in listed}
    for found in parts.objects.list(f"s3://{bucket}/{reload.folder}"):
        is_marker = found.key.removeprefix(reload.folder) in ("_BEGIN", "_COMPLETE")
        is_folder = found.key.endswith("/") and not found.size_bytes
        if is_marker or is_folder or (found.key, found.version_id) in wanted:
            continue
        there = parts.store.get(RawFile, reload.table, file_id_of(bucket, found.key, found.version_id))
        if there is None or not _is_left_out(there, parts):
            problem = f"{found.key} (version {found.version_id}) is there, and its _COMPLETE does not list it"
            if there is None or _is_published(there, parts):
                return problem
            return f"{problem}; `dm quarantine waive {there.file_id[:SHOWN_ID]}` leaves it out"
    return ""


def _is_left_out(file: RawFile, parts: Parts) -> bool:
    """Whether nothing of `file` was published and somebody has waived it."""
    batch = _batch(file, parts)
    if batch is None:
        return bool(file.waived)
    return batch.state == "failed" and file.waived == batch.batch_id


def _missing(reload: Reload, bucket: str, listed: "ListedFile", parts: Parts) -> str:
    """Return why one listed file is not published as listed; empty if it is."""
    file = parts.store.get(RawFile, reload.table, file_id_of(bucket, listed.key, listed.version_id))
    if file is None:
        return "has not come"
    if file.reload != reload.folder:
        return f"is not under {reload.folder}"
    batch = _batch(file, parts)
    counts = counts_in(batch, file)
    if batch is None or counts is None or batch.state != "published":
        return "is not published"
    if counts.records != listed.records:
        return f"has {counts.records:,} records and not {listed.records:,}"
    if counts.quarantined and file.waived != batch.batch_id:
        return f"has {counts.quarantined:,} records in quarantine: replay or waive them"
    return ""


def _batch(file: RawFile, parts: Parts) -> Batch | None:
    return parts.store.get(Batch, file.table, file.batch_id) if file.batch_id else None


def _is_published(file: RawFile, parts: Parts) -> bool:
    batch = _batch(file, parts)
    return batch is not None and batch.state == "published"


def _content(file: RawFile, parts: Parts) -> bytes:
    version = None if file.version_id == "null" else file.version_id
    with parts.objects.open(file.uri, version, file.etag) as stream:
        return stream.read()
