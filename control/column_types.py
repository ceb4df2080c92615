"""How the columns of a catalog table may change: columns may be added, and `int` may become `bigint`."""

from collections.abc import Sequence

from control.errors import ConflictError
from control.ports import CatalogColumn, CatalogTable

# A partition keeps the types and files that it was registered with. Athena reads int files as bigint, also in
# conditions. It fails to read float files as double, and no documentation promises decimals (ADR 22).
WIDER = {"int": "bigint"}


def is_wider(before: str, after: str) -> bool:
    """Whether a column of type `before` may become `after` without rewriting older files."""
    return WIDER.get(before) == after


def check(table: CatalogTable, known: Sequence[CatalogColumn]) -> None:
    """Raise ConflictError if the catalog has a `known` column that cannot become a column of `table`."""
    wanted = {column.name: column.type for column in table.columns}
    for column in known:
        kind = wanted.get(column.name, "")
        if kind != column.type and not is_wider(column.type, kind):
            has = f"table {table.database}.{table.name} has the column {column.name} {column.type}"
            raise ConflictError(
                f"{has}, which its contract has {f'as {kind}' if kind else 'not'}",
                hint="a contract may only add columns and widen int to bigint; CONTRIBUTING says what to do"
                " instead (change the type of a raw column, or drop one)",
            )
