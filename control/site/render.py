"""Write the site: HTML pages without a server or network; only search and the graph need their script."""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from control.errors import UsageError
from control.lineage.ask import Hop
from control.lineage.model import split_column
from control.site.model import Freshness, Site, TablePage

ASSETS = ("site.css", "site.js")
DBT_DOCS = "dbt.html"
_MARK = ".lakehouse-site"
_ELSEWHERE = "name another folder with --output"


def write(site: Site, folder: Path, dbt_docs: Path | None = None) -> list[Path]:
    """Write every page to `folder`, replacing what an earlier call wrote there; return the files written.

    The new site is complete before it replaces the old one; of two concurrent calls the later one waits.
    `dbt_docs` is the page written by `dbt docs generate --static`, which is copied and linked. Raises
    UsageError for a folder that holds anything else.
    """
    folder = folder.resolve()
    if folder == Path.cwd():
        # Replacing it would remove the caller's working directory.
        raise UsageError(f"{folder} is the working directory, and would be replaced", hint=_ELSEWHERE)
    with _alone(folder.parent):
        fresh = folder.with_name(f"{folder.name}.partial")
        for place in (folder, fresh):
            _check_ours(place)
        shutil.rmtree(fresh, ignore_errors=True)
        _write(site, fresh, dbt_docs)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
        return sorted(path for path in folder.rglob("*") if path.is_file())


@contextmanager
def _alone(parent: Path) -> Iterator[None]:
    """Wait for other calls that write a site into `parent`; the lock ends with its process."""
    if not parent.exists():
        parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(site: Site, fresh: Path, dbt_docs: Path | None) -> None:
    fresh.mkdir()
    (fresh / _MARK).touch()
    (fresh / "tables").mkdir()
    if dbt_docs is not None:
        shutil.copyfile(dbt_docs, fresh / DBT_DOCS)
    environment = _environment(site, has_dbt_docs=dbt_docs is not None)
    _page(fresh / "index.html", environment, "index.html", root=".")
    for table in site.tables:
        _page(fresh / address(table.name), environment, "table.html", root="..", table=table)
    for name in ASSETS:
        (fresh / name).write_bytes(files("control.site").joinpath("assets", name).read_bytes())


def _check_ours(folder: Path) -> None:
    """Raise UsageError if the folder holds anything but a site."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder", hint=_ELSEWHERE)
    if folder.exists() and not (folder / _MARK).exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds something else, not a site", hint=_ELSEWHERE)


def address(table: str) -> str:
    """Return the path of a table's page below the site's folder."""
    return f"tables/{table}.html"


def words(freshness: Freshness) -> str:
    """Say in words how fresh a table is."""
    promised = "" if freshness.promised_hours is None else _span(timedelta(hours=freshness.promised_hours))
    if freshness.age_seconds is None:
        return f"promised within {promised}, never seen" if promised else "never seen"
    age = _span(timedelta(seconds=freshness.age_seconds))
    return f"updated {age} ago, " + (f"promised within {promised}" if promised else "nothing promised")


def until(freshness: Freshness, made_at: datetime) -> datetime:
    """Return until when a table that was fresh at `made_at` would keep its promise without an update."""
    hours = freshness.promised_hours or 0
    return made_at + timedelta(hours=hours) - timedelta(seconds=freshness.age_seconds or 0)


def prose(text: str) -> Markup:
    """Return a contract's text as HTML, with the text between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def size(count: int) -> str:
    """Return a number of bytes in a readable unit."""
    for unit, width in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if count >= width:
            return f"{count / width:,.1f} {unit}"
    return f"{count:,} B"


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    for unit, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if minutes >= 2 * size or size == 1:
            count = minutes // size
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return "no time"


def _environment(site: Site, *, has_dbt_docs: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("control.site"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    pages = {table.name for table in site.tables}
    environment.globals.update(
        site=site,
        address=address,
        has_page=pages.__contains__,
        until=until,
        words=words,
        dbt_docs=DBT_DOCS if has_dbt_docs else "",
        size=size,
        dollars=lambda amount: f"${amount:,.6f}",
        graph=lambda table: _embedded(_graph(table.hops, pages)),
        layers=[(layer, [t for t in site.tables if t.contract.layer == layer]) for layer in _layers(site)],
        tests_of=_tests_of,
    )
    return environment


def _layers(site: Site) -> list[str]:
    return list(dict.fromkeys(table.contract.layer for table in site.tables))


def _tests_of(table: TablePage) -> list[object]:
    return [*table.tests, *(test for column in table.columns for test in column.tests)]


def _graph(hops: Iterable[Hop], pages: set[str]) -> dict[str, object]:
    """Return what the script draws: the edges, and which tables have a page."""
    edges = [[hop.source, hop.target, hop.expression] for hop in hops]
    tables = {split_column(end)[0] for edge in edges for end in edge[:2]}
    return {"edges": edges, "pages": sorted(tables & pages)}


def _embedded(value: object) -> str:
    """Return JSON that cannot end the script element around it."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _page(path: Path, environment: Environment, template: str, **values: object) -> None:
    path.write_text(environment.get_template(template).render(**values), encoding="utf-8")
