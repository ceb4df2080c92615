"""Register raw files: one item per object version, whoever tells of it and however often."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from control.errors import RawKeyError
from control.ingest import overwritten, strays
from control.model import RAW, Finding, RawFile, Reload, Stray, file_id_of
from control.ports import Parts, StoredObject


@dataclass(slots=True)
class Known:
    """What a caller keeps from one look at the bucket to the next.

    The tags of registered files by id, which are read from the store while there are none; the tags of
    overwritten ones that it has told of; and what it has told of objects that nobody ingests.
    """

    tags: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    strays: dict[str, Stray] = field(default_factory=dict)


def reconcile(
    tables: Iterable[str], parts: Parts, known: Known | None = None, *, others: Collection[str] = ()
) -> tuple[int, tuple[Finding, ...]]:
    """Compare the objects under `raw/` of the given tables with the store, and register what it lacks.

    `others` have a contract too and are left alone. Looks at all of `raw/`, but where there are others at one
    table alone. Gives how many files are new, and findings on objects that cannot be ingested.
    """
    names = list(tables)
    prefix = f"{RAW}{names[0]}/" if others and len(names) == 1 else RAW
    known = known or Known()
    tags = known.tags
    if not tags:
        for name in names:
            tags |= _etags(name, parts)
    before, new = strays.remembered(parts), 0
    seen = strays.sightings(before)
    differing: dict[str, dict[str, StoredObject]] = {name: {} for name in names}
    for found in parts.objects.list(f"s3://{parts.settings.bucket}/{prefix}"):
        if is_mark(found):
            continue
        table, slash, _ = found.key.removeprefix(RAW).partition("/")
        if not slash or table not in names:
            # What was deleted, or written over, needs nobody any more.
            if found.is_latest and not (slash and table in others):
                seen.add(strays.UNKNOWN_TABLE, found.key)
            continue
        file_id = file_id_of(parts.settings.bucket, found.key, found.version_id)
        tag = tags.get(file_id)
        if tag is not None and tag != found.etag:
            differing[table][file_id] = found
        if tag is None:
            try:
                new += register(table, found, parts)
                tags[file_id] = found.etag
            except RawKeyError as error:
                if found.is_latest:
                    seen.add(strays.KEY, found.key, error.message)

    def is_covered(stray: Stray) -> bool:
        left = [f"{RAW}{name}/" for name in others] if stray.code == strays.KEY else ()
        return prefix in (RAW, stray.folder) and stray.folder not in left

    noted = [
        finding
        for name, objects in differing.items()
        for finding in overwritten.note(name, objects, known.told, parts)
    ]
    return new, (*noted, *strays.note(seen, before, is_covered, known.strays, parts))


def is_mark(found: StoredObject) -> bool:
    """Is it what a console makes to show an empty folder?"""
    return found.key.endswith("/") and found.size_bytes == 0


def _etags(table: str, parts: Parts) -> dict[str, str]:
    """The tags of all registered files of `table` by id."""
    tags, after = parts.store.etags(table)
    while after is not None:
        more, after = parts.store.etags(table, after)
        tags |= more
    return tags


def register(table: str, found: StoredObject, parts: Parts) -> bool:
    """Register one object of `table`; False when it was known already, so a duplicate event is a no-op.

    Raises RawKeyError when the parser cannot tell its shape from its key; the message leaves the key out.
    """
    from bronze.errors import SourceError
    from bronze.parse import reload_of, source_of

    file_id = file_id_of(parts.settings.bucket, found.key, found.version_id)
    try:
        source = source_of(found.key, file_id)
    except SourceError as error:
        problem = error.message.removeprefix(found.key).lstrip(": ")
        raise RawKeyError(problem, hint=error.hint) from error
    folder = reload_of(found.key)
    if source.format == "begin":
        # Before the file, so that whoever finds the file unknown makes this good too.
        parts.store.create(Reload(table, folder, file_id))
    return parts.store.create(
        RawFile(
            file_id=file_id,
            table=table,
            bucket=parts.settings.bucket,
            key=found.key,
            version_id=found.version_id,
            etag=found.etag,
            size_bytes=found.size_bytes,
            epoch=source.epoch,
            extract=source.extract,
            format=source.format,
            landed_at=found.modified_at,
            registered_at=parts.clock.now(),
            reload=folder,
        )
    )
