"""Register raw files: one item per object version, however often it is reported."""

from control.errors import RawKeyError
from control.model import RawFile, Reload, file_id_of
from control.ports import Parts, StoredObject


def is_mark(found: StoredObject) -> bool:
    """Whether it is the empty object with which S3 consoles represent a folder."""
    return found.key.endswith("/") and found.size_bytes == 0


def register(table: str, found: StoredObject, parts: Parts) -> bool:
    """Register one object of `table`; False if it was registered already, so a duplicate event is a no-op.

    Raises RawKeyError, without the key in its message, if the parser cannot tell the shape from the key.
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
        # Before the file: after a crash in between, the file is missing, so both are created again.
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
