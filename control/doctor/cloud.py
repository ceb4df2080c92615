"""Everything that `dm doctor` checks in the cloud."""

from collections.abc import Iterable

from control.doctor import lease, rights, warehouse
from control.model import Finding
from control.ports import Warehouse


def examine(house: Warehouse, governed: Iterable[str]) -> list[Finding]:
    """Return all findings; `governed` are the locations whose DDL Lake Formation controls."""
    prefix = house.settings.schema_prefix
    return [
        *warehouse.examine(house.listing, prefix),
        *warehouse.governed(house.listing, prefix, governed),
        *rights.examine(house.objects, house.settings.bucket),
        *lease.examine(house.query, prefix),
    ]
