"""Whether what is written here can be deleted: Athena's VACUUM reports success without that right."""

from uuid import uuid4

from control.errors import ControlError
from control.model import Finding
from control.ports import ObjectStore

# Where dbt and maintenance have to delete: tables, staged tables, results of queries.
FOLDERS = ("warehouse", "tmp", "athena-results")


def examine(objects: ObjectStore, lake: str) -> list[Finding]:
    """An error for each folder in which an object that was just written cannot be deleted."""
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
        f"what is written here cannot be deleted ({why}): VACUUM would say that it succeeded, and old files"
        f" would stay for ever. Allow s3:DeleteObject on it, then remove {probe}",
    )
