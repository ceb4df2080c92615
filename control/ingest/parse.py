"""Parse a claimed batch: an engine writes it to the attempt's folder; the output is checked and sealed."""

from collections import Counter
from dataclasses import replace

from control import tally
from control.errors import EngineError
from control.ingest import claim, keys, overwritten, reload
from control.ingest.plan import assign
from control.ingest.rules import Rules
from control.ingest.tables import BronzeTable
from control.model import Batch, Head, RawFile
from control.orders import Attempt, FileReport, Manifest, OrderFile, Report, WorkOrder, attempt_of
from control.ports import Engine, Parts
from control.serialization import digest, to_json


def parse(held: Batch, table: BronzeTable, engine: Engine, parts: Parts, rules: Rules) -> Batch:
    """Parse the batch that this worker holds, and return it in its new state.

    `written` if it can be published. `failed` if its only file was refused as a whole, `splitting` if one of
    several was. `split` if all its files belong to other batches.
    Raises StaleEpochError if the batch was taken over, EngineError if the engine failed.
    """
    files = _own_files(held, parts)
    if not files:
        return claim.write(held, replace(held, state="split", lease_expires_at=None), parts)
    attempt = attempt_of(held, parts.settings.bucket)
    rekeyed = _rekeyed(table, parts)
    order = _order(attempt, files, rekeyed or 0, parts)
    for name, text in (("contract.yaml", table.text.encode()), ("order.json", to_json(order))):
        _write_once(attempt.document(name), text, parts)
    report = engine.run(order, claim.heartbeat(held, parts, rules))
    _verify(order, report, parts)
    keys.verify(table, report, parts.settings)
    refused = [file for file in report.files if file.failure is not None]
    if refused and len(files) > 1:
        return claim.write(held, replace(held, state="splitting", lease_expires_at=None), parts)
    manifest = _manifest(held, table, report, parts)
    sealed = to_json(manifest)
    _write_once(attempt.document("manifest.json"), sealed, parts)
    wanted = replace(
        held,
        state="failed" if refused else "written",
        file_ids=tuple(file.file_id for file in report.files),
        counts=tuple(file.counts for file in report.files),
        events=manifest.events,
        manifest_digest=digest(sealed),
        lease_expires_at=None,
        error=f"refused as a whole: {refused[0].failure}" if refused else "",
        token_key=report.token_key if table.needs_token_key else None,
        rekeyed=rekeyed,
    )
    return claim.write(held, wanted, parts)


def _own_files(batch: Batch, parts: Parts) -> tuple[RawFile, ...]:
    """Return the files of `batch` that no other batch owns, after assigning it those that have no owner."""
    found = parts.store.get_many(RawFile, batch.table, batch.file_ids)
    files = (found[file_id] for file_id in batch.file_ids if file_id in found)
    own = tuple(file for file in files if assign(file, batch, parts))
    if batch.epoch == 1:
        return own
    found = parts.store.get_many(RawFile, batch.table, [file.file_id for file in own])
    return tuple(overwritten.as_it_is_now(found[file.file_id], batch, parts) for file in own)


def _rekeyed(table: BronzeTable, parts: Parts) -> int | None:
    """Return how often the key of the table's tokens was changed, None for never."""
    head = parts.store.get(Head, table.name, table.name) if table.needs_token_key else None
    return head.rekeyed if head else None


def _order(attempt: Attempt, files: tuple[RawFile, ...], rekeyed: int, parts: Parts) -> WorkOrder:
    return WorkOrder(
        table=attempt.table,
        attempt=attempt.id,
        contract=attempt.document("contract.yaml"),
        files=tuple(
            OrderFile(
                file_id=file.file_id,
                uri=file.uri,
                version_id=None if file.version_id == "null" else file.version_id,
                epoch=file.epoch,
                extract=file.extract,
                format=file.format,
                etag=file.etag,
                position=reload.position_of(file, parts),
            )
            for file in files
        ),
        bronze=attempt.bronze,
        events=attempt.events,
        quarantine=attempt.quarantine,
        limits=dict(parts.settings.limits),
        rekeyed=rekeyed,
    )


def _verify(order: WorkOrder, report: Report, parts: Parts) -> None:
    """Check the report: each file once, counts that add up, and exactly the objects that it names exist."""
    if [file.file_id for file in report.files] != [file.file_id for file in order.files]:
        raise EngineError(f"attempt {order.attempt}: the report does not name exactly the files of the order")
    for file in report.files:
        if problem := _problem(order, file):
            raise EngineError(
                f"attempt {order.attempt}: the report on file {file.file_id} is wrong: {problem}"
            )
    said = {written.uri: written.bytes for file in report.files for written in file.objects}
    there = {
        found.uri: found.size_bytes
        for folder in (order.bronze, order.events, order.quarantine)
        for found in parts.objects.list(f"{folder}/")
        if found.is_latest
    }
    if said != there:
        wrong = sorted(uri for uri in said.keys() | there.keys() if said.get(uri) != there.get(uri))
        raise EngineError(
            f"attempt {order.attempt}: {len(wrong)} object(s) are missing, unreported or of another size, "
            f"first {wrong[0]}"
        )


def _problem(order: WorkOrder, file: FileReport) -> str:
    """Return an inconsistency in the report on `file`; empty if there is none."""
    if file.records != file.rows + file.quarantined + file.control:
        return "records are not rows + quarantined + control"
    if file.failure is not None and file.rows:
        return "it is refused as a whole but has rows"
    refused = file.failure is not None
    # A good file without rows may have an empty Parquet file or none.
    wanted = {order.bronze: {True} if file.rows else {False, not refused}}
    wanted[order.events] = {file.control > 0 and not refused}
    wanted[order.quarantine] = {file.quarantined > 0 or refused}
    for folder, allowed in wanted.items():
        prefix = f"{folder}/{file.file_id}"
        if any(written.uri.startswith(prefix) for written in file.objects) not in allowed:
            return f"its counts and its objects in {folder} do not fit together"
    return ""


def _manifest(held: Batch, table: BronzeTable, report: Report, parts: Parts) -> Manifest:
    return Manifest(
        table=held.table,
        batch_id=held.batch_id,
        epoch=held.epoch,
        contract_version=table.version,
        files=report.files,
        events=_events(attempt_of(held, parts.settings.bucket).events, report, parts),
    )


def _events(folder: str, report: Report, parts: Parts) -> dict[str, int]:
    kinds: Counter[str] = Counter()
    for file in report.files:
        for written in file.objects:
            if written.uri.startswith(f"{folder}/"):
                kinds.update(parts.event_kinds(parts.objects.get(written.uri)))
    return tally.capped(kinds)


def _write_once(uri: str, text: bytes, parts: Parts) -> None:
    if not parts.objects.create(uri, text):
        raise EngineError(
            f"{uri} already exists with other content", hint="nobody but this attempt may write here"
        )
