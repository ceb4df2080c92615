"""`dm contract drift`: are the contracts true?"""

import sys
from pathlib import Path

import click

from control.cli import options
from control.cli.output import print_json, print_table


@click.command(
    epilog="""\b
Examples:
  dm contract drift
  dm contract drift --manifest target/manifest.json --json
"""
)
@options.contracts
@click.option("--manifest", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="dbt's manifest.json [default: target/manifest.json, when it is there].")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def drift(folder: Path | None, manifest: Path | None, as_json: bool) -> None:
    """Compare the contracts with what really exists.

    Looks at every table and view in the catalog, including those without a contract, at the schema in
    Iceberg's metadata, at the Parquet footer of each bronze table's newest batch, and at dbt's manifest. Exit
    codes: 0 everything matches the contracts, 1 something differs, 2 a contract cannot be used, 3 the lake
    cannot be reached.
    """
    import json
    import os

    from control.config import from_environment
    from control.contracts.drift import drift as found_in
    from control.contracts.lint import lint
    from control.errors import ContractError
    from control.wiring import bronze_database, catalog_listing, connect, hive_columns

    report = lint([folder or from_environment(os.environ).contracts])
    if not report.ok:
        raise ContractError("the contracts have findings", hint="dm contract lint shows them")
    default = Path("target/manifest.json")
    path = manifest or (default if default.is_file() else None)
    parsed = json.loads(path.read_text(encoding="utf-8")) if path else None
    parts, listing = connect(os.environ), catalog_listing(os.environ)
    bronze = bronze_database(os.environ)
    found = list(found_in(report.contracts, parts, listing, bronze, hive_columns, parsed))
    if as_json:
        print_json({"ok": not found, "findings": found})
    else:
        rows = [{"table": f.table, "where": f.where, "code": f.code, "column": f.column or None,
                 "expected": f.expected or None, "found": f.found or None} for f in found]  # fmt: skip
        columns = ["table", "where", "code", "column", "expected", "found"]
        print_table(rows, columns, empty="Everything matches the contracts.")
    sys.exit(1 if found else 0)
