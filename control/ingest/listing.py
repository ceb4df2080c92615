"""Compare the objects under `raw/` with the control store, and register what it lacks."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter

from control.errors import RawKeyError
from control.ingest import overwritten, strays
from control.ingest.register import is_mark, register
from control.model import RAW, Finding, RawFile, Stray, file_id_of
from control.ports import Parts, StoredObject, occupied

# An object of a table and the id of its file.
Landed = tuple[str, str, StoredObject]
# For a table with more objects than this, the etags of all its files are read.
FEW_OBJECTS = 20
# For the others, the store is asked for this many files at once.
ASKED_AT_ONCE = 100


@dataclass(slots=True)
class Known:
    """What a caller keeps from one listing to the next.

    `etags` are those of registered files by id, at least of all files that are in the bucket; while it is
    empty, the store is asked. `told` (etags of overwritten files) and `strays` are what it has reported.
    """

    etags: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    strays: dict[str, Stray] = field(default_factory=dict)


def register_listed(
    tables: Iterable[str], parts: Parts, known: Known | None = None, *, others: Collection[str] = ()
) -> tuple[int, tuple[Finding, ...]]:
    """List the bucket and register each raw file of `tables` that the store lacks.

    `others` are tables that also have a contract; they are left alone. Lists all of `raw/`, or if there are
    others only the folder of a single table. Returns how many files are new, and findings on objects that
    cannot be ingested.
    """
    names, known = dict.fromkeys(tables), known or Known()
    prefix = f"{RAW}{next(iter(names))}/" if others and len(names) == 1 else RAW
    before = strays.remembered(parts)
    seen = strays.sightings(before)
    new, differing = 0, {name: dict[str, StoredObject]() for name in names}
    for table, file_id, found in _with_etags(_landed(prefix, names, others, seen, parts), known, parts):
        etag = known.etags.get(file_id)
        if etag is None:
            new += _register(table, file_id, found, known, seen, parts)
        elif etag != found.etag:
            differing[table][file_id] = found

    def is_covered(stray: Stray) -> bool:
        left = [f"{RAW}{name}/" for name in others] if stray.code == strays.KEY else ()
        return prefix in (RAW, stray.folder) and stray.folder not in left

    changed = _overwritten(differing, known, parts)
    return new, (*changed, *strays.note(seen, before, is_covered, known.strays, parts))


def _landed(
    prefix: str, names: Collection[str], others: Collection[str], seen: strays.Sightings, parts: Parts
) -> Iterator[Landed]:
    """The objects of the named tables; what belongs to no table is noted in `seen`."""
    bucket = parts.settings.bucket
    for found in parts.objects.list(f"s3://{bucket}/{prefix}"):
        table, slash, _ = found.key.removeprefix(RAW).partition("/")
        if is_mark(found):
            continue
        if slash and table in names:
            yield table, file_id_of(bucket, found.key, found.version_id), found
        # Deleted and overwritten versions need no attention.
        elif found.is_latest and not (slash and table in others):
            seen.add(strays.UNKNOWN_TABLE, found.key)


def _register(
    table: str, file_id: str, found: StoredObject, known: Known, seen: strays.Sightings, parts: Parts
) -> bool:
    try:
        is_new = register(table, found, parts)
    except RawKeyError as error:
        if found.is_latest:
            seen.add(strays.KEY, found.key, error.message)
        return False
    known.etags[file_id] = found.etag
    return is_new


def _overwritten(
    differing: Mapping[str, Mapping[str, StoredObject]], known: Known, parts: Parts
) -> list[Finding]:
    """Findings on the tables with objects that differ from what was registered, or that did before."""
    noted = occupied(parts.store, [(RawFile, name, "overwritten") for name in differing])
    return [
        finding
        for name, objects in differing.items()
        if objects or (RawFile, name, "overwritten") in noted
        for finding in overwritten.note(name, objects, known.told, parts)
    ]


def _with_etags(objects: Iterable[Landed], known: Known, parts: Parts) -> Iterator[Landed]:
    """Yield `objects`, each after the etag of its file is in `known`, if the file is registered."""
    landed = objects if known.etags else _with_etags_of_large(objects, known, parts)
    left: list[Landed] = []
    for one in landed:
        if one[1] in known.etags:
            yield one
            continue
        left.append(one)
        if len(left) == ASKED_AT_ONCE:
            yield from _load_etags(left, known, parts)
            left = []
    yield from _load_etags(left, known, parts)


def _with_etags_of_large(objects: Iterable[Landed], known: Known, parts: Parts) -> Iterator[Landed]:
    """Yield `objects`; for a table with many of them, first load the etags of all its files into `known`.

    That takes one page per two thousand files, however old they are.
    """
    for table, landed in groupby(objects, key=itemgetter(0)):
        rest = iter(landed)
        first = list(islice(rest, FEW_OBJECTS + 1))
        if len(first) > FEW_OBJECTS:
            known.etags |= _etags(table, parts)
        yield from first
        yield from rest


def _load_etags(objects: Sequence[Landed], known: Known, parts: Parts) -> Sequence[Landed]:
    wanted: dict[str, list[str]] = {}
    for table, file_id, _ in objects:
        wanted.setdefault(table, []).append(file_id)
    known.etags |= parts.store.etags_of(wanted) if wanted else {}
    return objects


def _etags(table: str, parts: Parts) -> dict[str, str]:
    """Return the etags of all registered files of `table` by id."""
    etags, after = parts.store.etags(table)
    while after is not None:
        more, after = parts.store.etags(table, after)
        etags |= more
    return etags
