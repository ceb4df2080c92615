"""`dm contract gate`: may these contracts replace those?"""

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli.output import counted, print_json

if TYPE_CHECKING:
    from control.contracts.gate.judge import Judgement
    from control.contracts.gate.tree import Tree
    from control.lineage.users import Users

_COLOURS = {"breaking": "red", "risky": "yellow", "compatible": "green"}


@click.command(
    epilog="""\b
Examples:
  dm contract gate --base origin/main --head .
  dm contract gate --base old/contracts --head contracts --json
  dm contract gate --base origin/main --head . --markdown > comment.md

\b
A waiver, in contracts/waivers.yaml:
  - table: gold.top_beers_by_rating
    code: column-dropped
    path: columns.brewery_name     # optional
    reason: Nobody queried it for a year.
    owner: analytics-engineering@example.org
    expires: 2026-12-31
"""
)
@click.option("--base", required=True, metavar="DIR|GITREF", help="The contracts that are in use.")
@click.option(
    "--head", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The contracts as proposed."
)
@click.option(
    "--models",
    "models_dir",
    type=click.Path(path_type=Path),
    help="dbt models, for exposures. [default: models beside the head's contracts]",
)
@click.option(
    "--waivers",
    "waivers_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="[default: waivers.yaml in the head's contracts]",
)
@click.option(
    "--lineage", "lineage_path", type=click.Path(path_type=Path, exists=True),
    help="Column lineage, for readers of readers. [default: lineage, else target/lineage.json, beside the "
    "head's contracts]",
)  # fmt: skip
@click.option(
    "--require-deprecation", is_flag=True, help="Require a waiver to break readers without an announced end."
)
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), hidden=True)
@click.option("--json", "form", flag_value="json", help="Print the findings as JSON.")
@click.option("--sarif", "form", flag_value="sarif", help="Print the findings as SARIF 2.1.0.")
@click.option("--markdown", "form", flag_value="markdown", help="Print a short table for a comment.")
def gate(
    base: str, head: Path, models_dir: Path | None, waivers_file: Path | None, lineage_path: Path | None,
    require_deprecation: bool, today: datetime | None, form: str | None,
) -> None:  # fmt: skip
    """Judge a change of the contracts: what breaks, for whom, and which version it needs.

    A folder contains contracts or has a `contracts/`. A base that is not a folder is a commit, which is read
    without a checkout. Breaking changes need a major version, and an earlier version should announce the end
    of the old form (`deprecation` with `announced` and `ends` in customProperties). Risky changes and
    additions need a minor version. A waiver also allows a change. Exit codes: 0 every finding has what it
    needs, 1 one does not or a waiver has expired, 2 a contract cannot be read.
    """
    from control.contracts.gate import registry, tree, waivers
    from control.contracts.gate.judge import Terms, judge

    folder = tree.folder(head)
    proposed = tree.read(folder)
    shown, content = proposed.shown("waivers.yaml"), proposed.waivers
    if waivers_file:
        shown, content = str(waivers_file), waivers_file.read_bytes()
    terms = Terms(
        waivers=waivers.read(shown, content) if content else (),
        exposures=registry.exposures(models_dir or folder.parent / "models"),
        today=today.date() if today else date.fromisoformat(f"{datetime.now(UTC):%Y-%m-%d}"),
        require_deprecation=require_deprecation,
    )
    judgement = judge(_base(base, folder), proposed, terms, _lineage(lineage_path, folder.parent))
    _print(judgement, form)
    sys.exit(0 if judgement.ok else 1)


def _base(base: str, head: Path) -> "Tree":
    from control.cli.base_commit import files_of
    from control.contracts.gate import tree

    if Path(base).is_dir():
        return tree.read(tree.folder(Path(base)))
    return tree.of(f"{base}:{head.as_posix()}/", files_of(base, head))


def _lineage(given: Path | None, beside: Path) -> "Users | None":
    from control.lineage import ask, golden
    from control.lineage.users import Users

    usual = (beside / "lineage", beside / "target" / "lineage.json")
    path = given or next((path for path in usual if path.exists()), None)
    if path is None:
        click.echo("note: no column lineage (dm lineage build): readers of readers are not named", err=True)
        return None
    return Users(ask.graph(golden.hops(path)) if path.is_dir() else ask.read(path))


def _print(judgement: "Judgement", form: str | None) -> None:
    from control.contracts.gate import report

    if form == "json":
        print_json(report.as_json(judgement))
    elif form == "sarif":
        print_json(report.as_sarif(judgement))
    elif form == "markdown":
        click.echo(report.as_markdown(judgement), nl=False)
    else:
        _print_text(judgement)


def _print_text(judgement: "Judgement") -> None:
    from control.contracts.gate.report import needs

    for found in judgement.findings:
        severity = click.style(found.change.severity, fg=_COLOURS[found.change.severity])
        click.echo(
            f"{found.file}:{found.mark.line}:{found.mark.column}: {severity} "
            f"{found.change.code}: {found.change.message}"
        )
        if found.consumers:
            click.echo(f"  read by {', '.join(found.consumers)}")
        if found.through:
            click.echo(f"  through lineage by {', '.join(f'{r.name} ({r.by})' for r in found.through)}")
        if found.change.bump != "none" or found.state != "fine":
            click.echo(f"  {'' if found.state == 'waived' else 'needs '}{needs(found)}")
    for waiver in judgement.unused:
        click.echo(
            f"{waiver.file}:{waiver.line}: note: this waiver no longer matches anything, remove it", err=True
        )
    still = sum(found.state == "open" for found in judgement.findings)
    click.echo(
        f"{counted(judgement.compared, 'contract')} compared, {counted(len(judgement.findings), 'finding')}, "
        f"{still} still open; "
        f"required bump: {judgement.required_bump}"
    )
