"""`dm catalog`: publish tables and what is known about them to OpenMetadata."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli.output import print_json

if TYPE_CHECKING:
    from control.catalog.model import Desired, Names
    from control.catalog.publish import Published


@click.group("catalog")
def command() -> None:
    """Publish tables, owners, checks and lineage to a metadata catalog."""


@command.command(
    epilog="""\b
Examples:
  dm catalog publish --url http://127.0.0.1:8585
  dm catalog publish --url https://catalog.example.org --lineage target/docs/lineage.json
  dm catalog publish --queued
"""
)
@click.option(
    "--url", envvar="OPENMETADATA_URL", required=True, help="The OpenMetadata server [env: OPENMETADATA_URL]."
)
@click.option(
    "--target", type=click.Path(path_type=Path), default=Path("target"), show_default=True,
    help="Folder with the artefacts of `dbt build`.",
)  # fmt: skip
@click.option(
    "--lineage", type=click.Path(path_type=Path),
    help="What `dm lineage build` wrote, with dbt's manifest.json and catalog.json beside it "
    "[default: TARGET/lineage.json].",
)  # fmt: skip
@click.option("--service", default="lakehouse", show_default=True, help="Name of the Athena service.")
@click.option(
    "--storage", default="lakehouse-raw", show_default=True, help="Name of the storage service of raw files."
)
@click.option(
    "--outbox", type=click.Path(path_type=Path), default=Path(".dm/catalog-outbox.json"), show_default=True,
    help="File that keeps what could not be published.",
)  # fmt: skip
@click.option("--queued", is_flag=True, help="Publish only what an earlier call could not publish.")
@click.option("--offline", is_flag=True, help="Skip the control store: no batches, no quarantine.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def publish(
    url: str, target: Path, lineage: Path | None, service: str, storage: str, outbox: Path, queued: bool,
    offline: bool, as_json: bool,
) -> None:  # fmt: skip
    """Update OpenMetadata from the contracts, lineage, the last build and the control store.

    Publishes tables with descriptions, owners, tiers, tags and glossary terms; data contracts and products;
    raw files as containers; exposures as dashboards; checks with their results; and last, so that it wins,
    column lineage from raw to gold. Only differences are sent, and everything sent is read back. A bot's
    token is read from OPENMETADATA_TOKEN. If the server fails, everything is kept in the outbox, and the next
    call publishes it as well.

    Exit codes: 0 published, 2 wrong usage or missing artefacts, 3 the server failed, refused, or has other
    content than was sent.
    """
    import os

    from control.catalog import outbox as waiting
    from control.catalog.model import Names
    from control.catalog.publish import publish as bring
    from control.config import from_environment
    from control.errors import NotFoundError, UpstreamError
    from control.wiring import metadata_catalog

    catalog = metadata_catalog(os.environ, url)
    older = waiting.waiting(outbox)
    if queued and older is None:
        raise NotFoundError(f"nothing is waiting in {outbox}", hint="publish without --queued")
    if queued and older is not None:
        wanted = older
    else:
        names = Names(service=service, storage=storage, bucket=from_environment(os.environ).bucket)
        wanted = waiting.joined(older, _desired(target, lineage, names, offline=offline))
    try:
        done = bring(wanted, catalog, _progress)
    except UpstreamError as error:
        waiting.keep(wanted, outbox)
        hint = f"{error.hint}; " if error.hint else ""
        kept = f"{hint}everything is kept in {outbox}: publish again, or `dm catalog publish --queued`"
        raise type(error)(error.message, hint=kept) from None
    waiting.clear(outbox)
    _report(done, as_json=as_json)
    if done.differing:
        first = "; ".join(done.differing[:3])
        raise UpstreamError(
            f"the catalog does not hold all that was sent ({len(done.differing)} differ): {first}",
            hint="has the server another version, or does something else write there at the same time?",
        )


def _desired(target: Path, lineage: Path | None, names: "Names", *, offline: bool) -> "Desired":
    import os
    from datetime import UTC, datetime

    from control.catalog.desired import desired
    from control.catalog.project import read
    from control.config import from_environment
    from control.contracts import load
    from control.lineage import ask
    from control.site import collect, results
    from control.wiring import connect

    file = lineage or target / "lineage.json"
    graph = ask.read(file)
    site = collect.site(
        load.folder(from_environment(os.environ).contracts),
        graph,
        results.read(target),
        None if offline else collect.live(connect(os.environ)),
        title=names.service,
        now=datetime.now(UTC),
    )
    return desired(site, graph, read(file.parent), names)


def _report(done: "Published", *, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    click.echo(f"entities: {done.created:,} created, {done.changed:,} changed, {done.unchanged:,} unchanged")
    click.echo(
        f"lineage:  {done.edges_written:,} edges written, {done.edges_removed:,} removed, "
        f"{done.edges_unchanged:,} unchanged"
    )
    click.echo(f"results:  {done.results_added:,} new")


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rpublished {done:,} of {total:,} entities", err=True, nl=done == total)
