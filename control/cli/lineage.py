"""`dm lineage`: trace columns from source to gold, and see where one comes from or what a change affects."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli import options
from control.cli.lineage_check import check
from control.cli.lineage_diff import diff
from control.cli.lineage_input import artefacts, compiling, contracts_in, progress, require
from control.cli.output import print_json

if TYPE_CHECKING:
    from control.lineage.model import Unresolved

_LINEAGE = Path("target/lineage.json")
_file = click.option(
    "--lineage", "file", type=click.Path(path_type=Path), default=_LINEAGE, show_default=True,
    help="The file that `dm lineage build` wrote.",
)  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


@click.group("lineage")
def command() -> None:
    """Trace each column from the source database to gold."""


command.add_command(check)
command.add_command(diff)


@command.command(
    epilog="""\b
Examples:
  dm lineage build --compile
  dbt docs generate --profiles-dir profiles && dm lineage build
  dm lineage build --target ../other-project/target --output lineage.json --allow-unresolved
"""
)
@click.option(
    "--target", type=click.Path(path_type=Path), default=Path("target"), show_default=True,
    help="Folder with manifest.json and catalog.json of any dbt-athena project.",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(path_type=Path), help="File to write [default: TARGET/lineage.json]."
)
@options.contracts
@click.option("--allow-unresolved", is_flag=True, help="Exit 0 even if some models could not be traced.")
@compiling
@_json
def build(
    target: Path, output: Path | None, folder: Path | None, allow_unresolved: bool, profiles: Path,
    asked: bool, as_json: bool,
) -> None:  # fmt: skip
    """Trace every model's columns and write lineage.json.

    Needs the artefacts of `dbt docs generate` after a build; --compile writes them. Models whose SQL and
    inputs have not changed are not traced again. Models that cannot be traced are listed with file and
    reason. Exit codes: 0 all traced, 1 a model is unresolved, 2 an artefact is missing.
    """
    from dataclasses import asdict

    require("sqlglot")
    from control.lineage import build as building
    from control.lineage import project

    file, read = output or target / "lineage.json", artefacts(target, profiles, asked=asked)
    cached = read / "lineage-cache.sqlite"
    summary = building.build(project.read(read), contracts_in(folder), file, cached, progress)
    if as_json:
        print_json({"output": str(file), "ok": not summary.unresolved, **asdict(summary)})
    else:
        _print_unresolved(summary.unresolved)
        known = summary.models - summary.traced
        click.echo(
            f"{file}: {summary.edges:,} edges of {summary.models:,} models ({known:,} known from before)"
        )
    sys.exit(1 if summary.unresolved and not allow_unresolved else 0)


@command.command(
    epilog="""\b
Examples:
  dm lineage show gold.top_beers_by_rating.avg_rating
  dm lineage show raw.beer.beer_abv --down
  dm lineage show silver.reviews_enriched.state --indirect
"""
)
@click.argument("column")
@click.option("--down", is_flag=True, help="Show what depends on the column, not where it comes from.")
@click.option("--indirect", is_flag=True, help="Also follow filters, joins, groups, orders and windows.")
@_file
@_json
def show(column: str, down: bool, indirect: bool, file: Path, as_json: bool) -> None:
    """Show where COLUMN (schema.table.column) comes from, as a tree back to the source database."""
    from control.errors import UsageError
    from control.lineage import ask

    kinds = ask.EVERY if indirect else ask.DIRECT
    graph = ask.read(file)
    try:
        branch = ask.tree(graph, ask.normalized(column), "down" if down else "up", kinds=kinds)
        if as_json:
            print_json(branch)
        else:
            click.echo("\n".join(ask.lines(branch)))
    except RecursionError:
        hint = "ask for a closer column, or use `dm lineage impact`, which lists everything that is affected"
        raise UsageError(f"the tree of {column} is too deep to be shown", hint=hint) from None


@command.command(
    epilog="""\b
Examples:
  dm lineage impact contracts/bronze/beer.yaml#beer_abv
  dm lineage impact silver.beers.beer_style --json
"""
)
@click.argument("column")
@_file
@_json
def impact(column: str, file: Path, as_json: bool) -> None:
    """List every column that a change of COLUMN affects, and who reads it.

    COLUMN is schema.table.column, or a contract file and one of its columns, as in the examples. Consumers
    come from the contracts of the affected tables.
    """
    from control.lineage import ask, impact

    graph = ask.read(file)
    found = impact.of(graph, impact.column_named(column), contracts_in(None))
    if as_json:
        print_json(found)
        return
    for reached in found.tables:
        click.echo(f"{reached.table}: {', '.join(reached.values) or '-'}")
        if reached.rows:
            click.echo(f"  rows, order or rank of: {', '.join(reached.rows)}")
        for consumer in reached.consumers:
            click.echo(f"  read by {consumer.name} ({consumer.contact}): {consumer.use}")
    if not found.tables:
        click.echo(f"nothing depends on {found.column}")


@command.command(
    epilog="""\b
Examples:
  dm lineage publish --openlineage http://127.0.0.1:5000
  dm lineage publish --openlineage target/openlineage.jsonl
  dm lineage publish --openlineage http://catalog.example/api --direct-only
"""
)
@click.option(
    "--openlineage", "where", required=True, metavar="URL|FILE",
    help="A server that takes OpenLineage events, or a file for them, one JSON object a line.",
)  # fmt: skip
@click.option(
    "--direct-only", is_flag=True, help="Leave indirect edges out, for catalogs that show both alike."
)
@click.option(
    "--source", default="postgres://source:5432", show_default=True,
    help="Namespace of the source database.",
)  # fmt: skip
@click.option("--job-namespace", default="lakehouse", show_default=True, help="Namespace of the jobs.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="In seconds.")
@_file
@_json
def publish(
    where: str, direct_only: bool, source: str, job_namespace: str, timeout: float, file: Path, as_json: bool
) -> None:
    """Publish the lineage as OpenLineage events: one for each table, from the source database to gold.

    The same lineage published again adds nothing. The data path does not depend on it: when the server is
    down, run it again later. A key for the server is taken from OPENLINEAGE_API_KEY. Exit codes: 0 published,
    2 no lineage, 3 the server cannot be reached or refuses.
    """
    import os
    from datetime import UTC, datetime

    require("openlineage")
    from control.config import from_environment
    from control.lineage import ask, openlineage

    settings = from_environment(os.environ)
    names = openlineage.Names(
        athena=f"awsathena://athena.{settings.region}.amazonaws.com",
        raw=f"s3://{settings.bucket}",
        source=source,
        job=job_namespace,
    )
    found = openlineage.events(ask.read(file), names, datetime.now(UTC), direct_only=direct_only)
    if where.startswith(("http://", "https://")):
        count = openlineage.send(found, where, timeout, os.environ.get("OPENLINEAGE_API_KEY", ""))
    else:
        count = openlineage.save(found, Path(where))
    if as_json:
        print_json({"to": where, "events": count})
    else:
        click.echo(f"{where}: {count:,} events")


def _print_unresolved(unresolved: "tuple[Unresolved, ...]") -> None:
    for one in unresolved:
        click.echo(f"unresolved {one.model}: {one.reason}", err=True)
