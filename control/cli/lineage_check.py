"""`dm lineage check`: is the lineage complete, and is it the one in the repository?"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli import options
from control.cli.lineage_diff import markdown
from control.cli.lineage_input import artefacts, compiling, contracts_in, progress, require
from control.cli.output import print_json

if TYPE_CHECKING:
    from control.lineage.check import Hole
    from control.lineage.golden import Difference
    from control.lineage.model import Unresolved

_SHOWN = 30  # lines of a difference in a comment


@dataclass(frozen=True, slots=True)
class _Outcome:
    unresolved: "Sequence[Unresolved]"
    holes: "Sequence[Hole]"
    changes: "Sequence[Difference]"
    updated: bool

    @property
    def ok(self) -> bool:
        return not self.unresolved and not self.holes and (self.updated or not self.changes)


@click.command(
    epilog="""\b
Examples:
  dm lineage check --compile
  dm lineage check --compile --update && git diff lineage
  dm lineage check --target .dm/demo-docs --markdown > comment.md

\b
A column without a source says why in its contract:
  customProperties:
    - property: generated
      value: The year of the run, for readers who keep copies.
"""
)
@click.option(
    "--target", type=click.Path(path_type=Path), default=Path("target"), show_default=True,
    help="Folder with manifest.json and catalog.json, compiled with --full-refresh.",
)  # fmt: skip
@click.option(
    "--golden", type=click.Path(path_type=Path, file_okay=False), default=Path("lineage"), show_default=True,
    help="Folder with the reviewed lineage of each model.",
)  # fmt: skip
@options.contracts
@click.option("--update", is_flag=True, help="Write the files of --golden instead of comparing them.")
@compiling
@click.option("--json", "form", flag_value="json", help="Print as JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="Print what changed for a comment.")
def check(
    target: Path, golden: Path, folder: Path | None, update: bool, profiles: Path, asked: bool,
    form: str | None,
) -> None:  # fmt: skip
    """Check that the lineage is complete, and that it is the one in the repository.

    Every model must be traceable; every contract column must have a source or say why not; the sources of a
    model must be the tables that it depends on according to dbt; no silver or gold table may show what is
    personal in bronze; and each file in the folder --golden must match the SQL of its model. The contract
    gate reads these files. Exit codes: 0 fine, 1 a hole or a difference, 2 an artefact is missing.
    """
    from control.lineage import ask, build, check, personal, project
    from control.lineage import golden as goldens

    require("sqlglot")
    read = artefacts(target, profiles, asked=asked)
    found, contracts, output = project.read(read), contracts_in(folder), target / "lineage.json"
    summary = build.build(found, contracts, output, read / "lineage-cache.sqlite", progress)
    graph = ask.read(output)
    # Nothing is known about a model that could not be traced: neither its columns nor its file are checked.
    unknown = {one.model for one in summary.unresolved}
    wanted = [one for one in goldens.of(found, graph) if one.relation not in unknown]
    holes = check.holes(found, wanted, graph, [c for c in contracts if f"{c.layer}.{c.table}" not in unknown])
    differences = goldens.differences(wanted, golden)
    outcome = _Outcome(
        summary.unresolved,
        [*personal.shown(graph, contracts), *holes],
        [one for one in differences if one.file.stem not in unknown],
        update,
    )
    if update:
        goldens.apply(outcome.changes)
    if form == "json":
        changes = [{"file": str(c.file), "lines": c.lines} for c in outcome.changes]
        said = {"unresolved": outcome.unresolved, "holes": outcome.holes, "changes": changes}
        print_json({"ok": outcome.ok, **said})
    elif form == "markdown":
        click.echo(_markdown(outcome), nl=False)
    else:
        _print(outcome)
    sys.exit(0 if outcome.ok else 1)


def _print(outcome: _Outcome) -> None:
    for one in outcome.unresolved:
        click.echo(f"{one.model}: lineage-unresolved: {one.reason}")
    for hole in outcome.holes:
        click.echo(f"{hole.file}: {hole.code}: {hole.message}")
    for change in outcome.changes:
        click.echo(f"{change.file}: {'written' if outcome.updated else 'differs'}")
        if not outcome.updated:
            click.echo("".join(f"  {line}\n" for line in change.lines[:_SHOWN]), nl=False)
    if outcome.changes and not outcome.updated:
        click.echo("if this is intended: dm lineage check --update, and commit it")
    if outcome.ok and not outcome.changes:
        click.echo("the lineage is complete, and the same as in the repository")


def _markdown(outcome: _Outcome) -> str:
    """A short report for a comment on a change."""
    problems = [f"`{one.model}` cannot be traced: {one.reason}" for one in outcome.unresolved]
    problems += [hole.message for hole in outcome.holes]
    text = f"**Lineage: {'fine' if outcome.ok else 'not yet'}**\n"
    text += "".join(f"\n- {problem}" for problem in problems) + ("\n" if problems else "")
    return f"{text}\n{markdown(outcome.changes)}"
