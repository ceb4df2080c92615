"""Register raw files: one item per object version, whoever tells of it and however often."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from control.errors import UsageError, printable
from control.ingest import overwritten
from control.model import RAW, Finding, RawFile, Reload, file_id_of
from control.ports import Parts, StoredObject

EXAMPLES = 3


@dataclass(slots=True)
class _Oddities:
    """Objects that are not ingested, by code, place and problem: a million of a kind are one finding."""

    counts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    examples: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)

    def add(self, code: str, where: str, problem: str, key: str) -> None:
        kind = (code, where, problem)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        examples = self.examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            examples.append(key)

    def findings(self) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                code=code,
                severity="warning",
                where=where,
                message=printable(
                    f"{count} object(s) {problem}; for example "
                    + ", ".join(self.examples[code, where, problem])
                ),
            )
            for (code, where, problem), count in sorted(self.counts.items())
        )


@dataclass(slots=True)
class Known:
    """What a caller keeps from one look at the bucket to the next.

    The tags of registered files by id, which are read from the store while there are none; and the tags of
    overwritten ones that it has told of.
    """

    tags: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)


def reconcile(
    tables: Iterable[str], parts: Parts, known: Known | None = None
) -> tuple[int, tuple[Finding, ...]]:
    """Compare the objects under `raw/` of the given tables with the store, and register what it lacks.

    Looks at all of `raw/` unless one table only is given. Gives how many files are new, and findings on
    objects that cannot be ingested.
    """
    names = list(tables)
    prefix = f"{RAW}{names[0]}/" if len(names) == 1 else RAW
    known = known or Known()
    tags = known.tags
    if not tags:
        for name in names:
            tags |= _etags(name, parts)
    oddities, new = _Oddities(), 0
    differing: dict[str, dict[str, StoredObject]] = {name: {} for name in names}
    for found in parts.objects.list(f"s3://{parts.settings.bucket}/{prefix}"):
        if found.key.endswith("/") and found.size_bytes == 0:
            continue  # what a console makes to show an empty folder
        table, slash, _ = found.key.removeprefix(RAW).partition("/")
        if not slash or table not in names:
            oddities.add("raw.unknown_table", RAW, "belong to no table that has a contract", found.key)
            continue
        file_id = file_id_of(parts.settings.bucket, found.key, found.version_id)
        tag = tags.get(file_id)
        if tag is not None and tag != found.etag:
            differing[table][file_id] = found
        if tag is None:
            try:
                new += register(table, found, parts)
                tags[file_id] = found.etag
            except UsageError as error:
                oddities.add(
                    "raw.key", f"{RAW}{table}/", f"cannot be parsed: the key {error.message}", found.key
                )
    noted = (
        finding
        for name, objects in differing.items()
        for finding in overwritten.note(name, objects, known.told, parts)
    )
    return new, (*noted, *oddities.findings())


def _etags(table: str, parts: Parts) -> dict[str, str]:
    """The tags of all registered files of `table` by id."""
    tags, after = parts.store.etags(table)
    while after is not None:
        more, after = parts.store.etags(table, after)
        tags |= more
    return tags


def register(table: str, found: StoredObject, parts: Parts) -> bool:
    """Register one object of `table`; False when it was known already, so a duplicate event is a no-op.

    Raises UsageError when the parser cannot tell its shape from its key; the message leaves the key out.
    """
    from bronze.errors import SourceError
    from bronze.parse import reload_of, source_of

    file_id = file_id_of(parts.settings.bucket, found.key, found.version_id)
    try:
        source = source_of(found.key, file_id)
    except SourceError as error:
        problem = error.message.removeprefix(found.key).lstrip(": ")
        raise UsageError(problem, hint=error.hint) from error
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
