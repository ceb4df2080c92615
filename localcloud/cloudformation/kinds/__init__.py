"""The resource types that the local cloud can create, through its own services."""

from collections.abc import Mapping

from localcloud.cloudformation.errors import UnsupportedError
from localcloud.cloudformation.kinds import catalog, messages, security, storage, work
from localcloud.cloudformation.kinds.kind import Clients, Kind, Made, Properties

__all__ = ["KINDS", "Clients", "Kind", "Made", "Properties", "of"]

KINDS: Mapping[str, Kind] = {
    **storage.KINDS,
    **security.KINDS,
    **messages.KINDS,
    **work.KINDS,
    **catalog.KINDS,
}


def of(type_name: str) -> Kind:
    """Return the kind of a type. Raises UnsupportedError for one that the local cloud does not have."""
    if type_name not in KINDS:
        raise UnsupportedError(f"The local cloud has no {type_name}: this stack needs AWS")
    return KINDS[type_name]
