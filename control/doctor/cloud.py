"""Everything that `dm doctor` checks in the cloud."""

from collections.abc import Iterable

from control.doctor import lease, rights
from control.doctor import warehouse as tables
from control.model import Finding
from control.ports import Warehouse


def examine(warehouse: Warehouse, governed: Iterable[str]) -> list[Finding]:
    """Return all findings; `governed` are the locations whose DDL Lake Formation controls."""
    prefix = warehouse.settings.schema_prefix
    return [
        *tables.examine(warehouse.listing, prefix),
        *tables.governed(warehouse.listing, prefix, governed),
        *rights.examine(warehouse.objects, warehouse.settings.bucket),
        *lease.examine(warehouse.query, prefix),
    ]
