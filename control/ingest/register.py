"""Register raw files: one item per object version, whoever tells of it and however often."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter

from control.errors import RawKeyError
from control.ingest import overwritten, strays
from control.model import RAW, Finding, RawFile, Reload, Stray, file_id_of
from control.ports import Parts, StoredObject, occupied

# An object of a table and the id of its file.
Landed = tuple[str, str, StoredObject]
# A table with more objects than that has all its files read, and of so many the store is asked at once.
FEW_OBJECTS = 20
ASKED_AT_ONCE = 100


@dataclass(slots=True)
class Known:
    """What a caller keeps from one look at the bucket to the next.

    The tags of registered files by id, of at least those that the bucket has, which the store is asked for
    while there are none; the tags of overwritten ones that it has told of; and what it has told of objects
    that nobody ingests.
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
    differing: dict[str, dict[str, StoredObject]] = {name: {} for name in tables}
    prefix = f"{RAW}{next(iter(differing))}/" if others and len(differing) == 1 else RAW
    known = known or Known()
    tags = known.tags
    before, new = strays.remembered(parts), 0
    seen = strays.sightings(before)

    def ours() -> Iterator[Landed]:
        for found in parts.objects.list(f"s3://{parts.settings.bucket}/{prefix}"):
            table, slash, _ = found.key.removeprefix(RAW).partition("/")
            if is_mark(found):
                continue
            if slash and table in differing:
                yield table, file_id_of(parts.settings.bucket, found.key, found.version_id), found
            # What was deleted, or written over, needs nobody any more.
            elif found.is_latest and not (slash and table in others):
                seen.add(strays.UNKNOWN_TABLE, found.key)

    landed = ours() if tags else _with_tags_of_large(ours(), tags, parts)
    for table, file_id, found in _looked_up(landed, tags, parts):
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

    noted_before = occupied(parts.store, [(RawFile, name, "overwritten") for name in differing])
    noted = [
        finding
        for name, objects in differing.items()
        if objects or (RawFile, name, "overwritten") in noted_before
        for finding in overwritten.note(name, objects, known.told, parts)
    ]
    return new, (*noted, *strays.note(seen, before, is_covered, known.strays, parts))


def is_mark(found: StoredObject) -> bool:
    """Is it what a console makes to show an empty folder?"""
    return found.key.endswith("/") and found.size_bytes == 0


def _with_tags_of_large(objects: Iterable[Landed], tags: dict[str, str], parts: Parts) -> Iterator[Landed]:
    """`objects`, those of a table with many of them once `tags` has all of its files.

    That takes a page for each two thousand files, as many as there ever were.
    """
    for table, landed in groupby(objects, key=itemgetter(0)):
        rest = iter(landed)
        first = list(islice(rest, FEW_OBJECTS + 1))
        if len(first) > FEW_OBJECTS:
            tags |= _etags(table, parts)
        yield from first
        yield from rest


def _looked_up(objects: Iterable[Landed], tags: dict[str, str], parts: Parts) -> Iterator[Landed]:
    """`objects`, each once `tags` has that of its file, if it is registered; of many tables at once."""
    left: list[Landed] = []
    for one in objects:
        if one[1] in tags:
            yield one
            continue
        left.append(one)
        if len(left) == ASKED_AT_ONCE:
            yield from _asked_for(left, tags, parts)
            left = []
    yield from _asked_for(left, tags, parts)


def _asked_for(objects: Sequence[Landed], tags: dict[str, str], parts: Parts) -> Sequence[Landed]:
    wanted: dict[str, list[str]] = {}
    for table, file_id, _ in objects:
        wanted.setdefault(table, []).append(file_id)
    tags |= parts.store.etags_of(wanted) if wanted else {}
    return objects


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
