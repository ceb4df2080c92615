"""Check that objects can be deleted: without that permission, Athena's VACUUM still reports success."""

from uuid import uuid4

from control.errors import ControlError
from control.model import Finding
from control.ports import ObjectStore

# Folders in which dbt and maintenance have to delete: tables, staged tables, query results.
FOLDERS = ("warehouse", "tmp", "athena-results")


def examine(objects: ObjectStore, lake: str) -> list[Finding]:
    """Return an error for each folder in which an object can be written but not deleted, or not written."""
    return [finding for folder in FOLDERS if (finding := _try(objects, f"s3://{lake}/{folder}/")) is not None]


def _try(objects: ObjectStore, folder: str) -> Finding | None:
    probe = f"{folder}doctor-{uuid4()}"
    try:
        objects.put(probe, b"dm doctor writes and deletes this")
    except ControlError as error:
        return Finding("no-write", "error", folder, f"nothing can be written here: {error.message}")
    try:
        objects.delete([probe])
    except ControlError as error:
        why = error.message
    else:
        if not list(objects.list(probe)) or not any(one.is_latest for one in objects.list(probe)):
            return None
        why = "it is still there"
    return Finding(
        "no-delete",
        "error",
        folder,
        f"objects here cannot be deleted ({why}): VACUUM would report success, but old files would stay"
        f" forever. Allow s3:DeleteObject on this folder, then remove {probe}",
    )
