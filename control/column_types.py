"""How the columns of a table in the catalog may change: columns are added, and one type is widened."""

from collections.abc import Sequence

from control.errors import ConflictError
from control.ports import CatalogColumn, CatalogTable

# A partition keeps the types and files that it was registered with. Athena reads this one as the other, also
# under conditions; floats as doubles fail there, and decimals are promised by nobody (ADR 22).
WIDER = {"int": "bigint"}


def is_wider(before: str, after: str) -> bool:
    """Whether a column of type `before` may get the type `after` while older files stay as they are."""
    return WIDER.get(before) == after


def check(table: CatalogTable, known: Sequence[CatalogColumn]) -> None:
    """Raise ConflictError when the catalog's table has a `known` column that cannot become one of `table`."""
    wanted = {column.name: column.type for column in table.columns}
    for column in known:
        kind = wanted.get(column.name, "")
        if kind != column.type and not is_wider(column.type, kind):
            has = f"table {table.database}.{table.name} has the column {column.name} {column.type}"
            raise ConflictError(
                f"{has}, which its contract has {f'as {kind}' if kind else 'not'}",
                hint="a contract may add columns and make bigint of int; CONTRIBUTING says what to do instead"
                " (change the type of a raw column, or drop one)",
            )
