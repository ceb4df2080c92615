"""`dm docs`: the static site for people who read the tables."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli import options
from control.cli.output import print_json

if TYPE_CHECKING:
    from control.cost.runs import Cost
    from control.site.model import Site


@click.group("docs")
def command() -> None:
    """Write the static site of all tables."""


@command.command(
    epilog="""\b
Examples:
  dm lineage build --compile && dm docs build
  dm docs build --lineage lineage.json --output site
  dm docs build --offline
"""
)
@click.option(
    "--target", type=click.Path(path_type=Path), default=Path("target"), show_default=True,
    help="Folder with the artefacts of `dbt build`.",
)  # fmt: skip
@click.option(
    "--lineage", type=click.Path(path_type=Path),
    help="What `dm lineage build` wrote [default: TARGET/lineage.json].",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("site"), show_default=True,
    help="Folder of the site; what an earlier build wrote there is replaced.",
)  # fmt: skip
@click.option("--title", default="Lakehouse", show_default=True, help="Title of the site.")
@click.option("--workgroup", envvar="DM_WORKGROUP", default="primary", show_default=True, help="For costs.")
@click.option("--offline", is_flag=True, help="Skip the cloud: no batches, no quarantine, no costs.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def build(
    target: Path, lineage: Path | None, output: Path, title: str, workgroup: str, offline: bool, as_json: bool
) -> None:
    """Write one page per table with a contract, and an index page. Open OUTPUT/index.html.

    The pages need no server and no network. They show meaning, owner, contract, columns with types, rules and
    personal data, the checks of the last build, freshness, what was ingested and refused, what the last build
    cost, the versions of the contract (from git), who reads the table, and the lineage of its columns. They
    link to dbt's own docs if `dbt docs generate --static` wrote them beside the lineage. What is missing is
    left out and reported.
    """
    import os
    from datetime import UTC, datetime

    from control.contracts import load
    from control.errors import UsageError
    from control.lineage import ask
    from control.site import collect, render, results
    from control.wiring import connect, versions_of

    try:
        title.encode()
    except UnicodeEncodeError:
        raise UsageError("the title is not valid text", hint="write it as UTF-8") from None
    folder = options.contracts_folder()
    contracts = load.folder(folder)
    edges = lineage or target / "lineage.json"
    beside = (edges.with_name("static_index.html"), edges.parent / "docs" / "static_index.html")
    static = next((file for file in beside if file.exists()), None)
    versions = {
        file: [(v.version, v.committed, v.subject) for v in listed]
        for file, listed in versions_of(folder).items()
    }
    site = collect.site(
        contracts,
        ask.read(edges) if lineage or edges.exists() else None,
        results.read(target),
        None if offline else collect.live(connect(os.environ)),
        title=title,
        now=datetime.now(UTC),
        extras=collect.extras(versions, [] if offline else _costs(target, workgroup)),
    )
    written = render.write(site, output, static)
    if as_json:
        print_json({"output": str(output), "tables": len(site.tables), "files": len(written)})
        return
    click.echo(f"{output / 'index.html'}: {len(site.tables)} tables")
    _print_what_lacks(site, results.last_command(target))


def _print_what_lacks(site: "Site", last: str) -> None:
    """Print what the site lacks and how to get it; `last` is the dbt command that wrote the results."""
    instead = f", but `dbt {last}` has replaced them since: run that with --no-write-json" if last else ""
    for is_there, what, how, but in (
        (site.has_lineage, "lineage", "dm lineage build --compile", ""),
        (site.has_results, "checks", "dbt build", instead),
        (site.has_live, "batches and quarantine", "dm docs build", ""),
    ):
        if not is_there:
            click.echo(f"without {what}: `{how}` adds them{but}", err=True)


def _costs(target: Path, workgroup: str) -> "list[Cost]":
    """Return the costs of the models in the last dbt run; empty if there are no artefacts of a run."""
    import os

    from control.cost import runs
    from control.dbt_runs import last_run
    from control.errors import NotFoundError
    from control.wiring import statements

    try:
        return runs.costs(last_run(target), statements(os.environ, workgroup))
    except NotFoundError:
        return []
