"""Copy the state of moto's services, and restore it.

moto's own objects are pickled together, so that references between them stay. Contents of large objects are
referred to by name. Loading creates only moto's classes and plain values, so that a foreign file in the
folder cannot run code.
"""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.s3.models import s3_backends

from localcloud import snapshots
from localcloud.aws.blobs import Blob, BlobStore
from localcloud.aws.services import KEPT, left_out
from localcloud.errors import StateError

# Modules whose classes only hold values: creating one has no side effects.
PLAIN_MODULES: Final = {"collections", "datetime", "decimal", "enum", "ipaddress", "uuid"}
PLAIN: Final = {
    ("builtins", "set"),
    ("builtins", "frozenset"),
    ("builtins", "bytearray"),
    ("builtins", "object"),
    ("builtins", "list"),
    ("builtins", "dict"),
    ("builtins", "int"),
    ("copyreg", "_reconstructor"),
    ("moto.lakeformation.models", "default_settings"),
    ("re", "_compile"),
    ("requests.structures", "CaseInsensitiveDict"),
}
# moto's type has an overload for each of its 180 services.
backends_of: Callable[[str], Any] = cast(Any, get_backend)


def take(used: set[str], beside: dict[str, bytes]) -> snapshots.Content:
    """Return the present state; `used` are the services that clients have called, `beside` other parts' data.

    Nothing may change the kept services meanwhile.
    """
    buffer = io.BytesIO()
    pickler = _Pickler(buffer)
    accounts = s3_backends.bucket_accounts
    pickler.dump({"backends": _backends(), "bucket_accounts": accounts, "beside": beside})
    return snapshots.Content(buffer.getvalue(), frozenset(pickler.blobs), _counts(), left_out(used))


def restore(folder: Path, blobs: BlobStore) -> dict[str, bytes]:
    """Restore the last snapshot, if there is one; return what other parts keep, by name.

    Raises StateError when it cannot be used.
    """
    content = snapshots.read(folder)
    if content is None:
        return {}
    # Until all names are known, nothing may be deleted, even after an error.
    blobs.closed = True
    unpickler = _Unpickler(content, blobs)
    state = unpickler.load()
    blobs.kept = frozenset(unpickler.blobs)
    blobs.closed = False
    for service, accounts in state["backends"].items():
        for account, regions in accounts.items():
            for region, backend in regions.items():
                backends_of(service)[account][region] = backend
    s3_backends.bucket_accounts.update(state["bucket_accounts"])
    beside: dict[str, bytes] = state.get("beside", {})
    return beside


class _Pickler(pickle.Pickler):
    """Writes blobs as their names."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self.blobs: set[str] = set()

    def persistent_id(self, obj: Any) -> tuple[str, int] | None:
        """Return the name and size of a blob; None for any other object."""
        if not isinstance(obj, Blob):
            return None
        self.blobs.add(obj.name)
        return obj.name, obj.size


class _Unpickler(pickle.Unpickler):
    """Reads what `_Pickler` wrote, and nothing else."""

    def __init__(self, content: bytes, store: BlobStore) -> None:
        super().__init__(io.BytesIO(content))
        self.store = store
        self.blobs: dict[str, Blob] = {}

    def persistent_load(self, pid: tuple[str, int]) -> Blob:
        """Return the single blob object of a name. Raises StateError if its file is missing or truncated."""
        name, size = pid
        if name not in self.blobs:
            path = self.store.path(name)
            if not path.is_file() or path.stat().st_size != size:
                raise StateError(
                    f"the saved state is damaged: {path} is missing or cut short",
                    hint="discard it and start empty: dm local reset",
                )
            self.blobs[name] = Blob(self.store, name, size)
        return self.blobs[name]

    def find_class(self, module: str, name: str) -> Any:
        """Return a class of moto or of plain values. Raises StateError for any other."""
        if (module, name) in PLAIN:
            return super().find_class(module, name)
        if module in PLAIN_MODULES or module.startswith("moto."):
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise StateError(
            f"the saved state names {module}.{name}, which no snapshot contains",
            hint="discard it and start empty: dm local reset",
        )


def _backends() -> dict[str, dict[str, dict[str, Any]]]:
    """Return service -> account -> region -> moto's backend, for the services in use."""
    kept = set(KEPT.values())
    return {
        service.service_name: {account: dict(regions) for account, regions in service.items()}
        for service in cast(Any, BackendDict)._instances
        if service.service_name in kept
    }


def _counts() -> dict[str, int]:
    def each(service: str) -> list[Any]:
        return [backend for _, _, backend in backends_of(service).iter_backends()]

    buckets = [bucket for backend in each("s3") for bucket in backend.buckets.values()]
    databases = [database for backend in each("glue") for database in backend.databases.values()]
    tables = [table for backend in each("dynamodb") for table in backend.tables.values()]
    return {
        "objects": sum(len(bucket.keys) for bucket in buckets),
        "Glue tables": sum(len(database.tables) for database in databases),
        "DynamoDB tables": len(tables),
    }
