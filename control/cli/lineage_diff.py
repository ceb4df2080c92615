"""`dm lineage diff`: which columns have other sources than before?"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli.output import print_json

if TYPE_CHECKING:
    from control.lineage.golden import Difference

_SHOWN = 30  # lines of a model in a comment


@click.command(
    epilog="""\b
Examples:
  dm lineage diff --base origin/main
  dm lineage diff --base origin/main --markdown > comment.md
"""
)
@click.option("--base", required=True, metavar="DIR|GITREF", help="The lineage that is in use.")
@click.option(
    "--head", type=click.Path(path_type=Path), default=Path("lineage"), show_default=True,
    help="The proposed lineage: the folder that `dm lineage check --update` writes.",
)  # fmt: skip
@click.option("--json", "form", flag_value="json", help="Print as JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="Print for a comment.")
def diff(base: str, head: Path, form: str | None) -> None:
    """Show how a change affects the lineage of each model, from the files in the repository.

    Needs no lake: `dm lineage check` checks that the files match the models. Exit codes: 0, or 2 if a folder
    or commit does not exist.
    """
    from control.lineage import golden

    changes = golden.differences_between(_texts(base, head), golden.texts_in(head), head)
    if form == "json":
        print_json({"changes": [{"file": str(c.file), "lines": c.lines} for c in changes]})
    elif form == "markdown":
        click.echo(markdown(changes), nl=False)
    else:
        for change in changes:
            click.echo(f"{change.file}:")
            click.echo("".join(f"  {line}\n" for line in change.lines), nl=False)
        if not changes:
            click.echo("no column has other sources than before")
    sys.exit(0)


def _texts(base: str, head: Path) -> dict[str, str]:
    from control.cli.base_commit import files_of
    from control.lineage import golden

    if Path(base).is_dir():
        return golden.texts_in(Path(base))
    return {name: text.decode("utf-8", "replace") for name, text in files_of(base, head).items()}


def markdown(changes: "Sequence[Difference]") -> str:
    """Each model whose lineage differs, folded, with the removed and added lines."""
    if not changes:
        return "**Lineage**: no column has other sources than before.\n"
    count = len(changes)
    text = f"**Lineage**: {count} model{'s' if count > 1 else ''} with other sources\n"
    for change in changes:
        more = len(change.lines) - _SHOWN
        lines = [*change.lines[:_SHOWN], *([f"… {more} more lines"] if more > 0 else [])]
        shown = "\n".join(lines)
        text += f"\n<details><summary>{change.file.stem}</summary>\n\n```diff\n{shown}\n```\n\n</details>\n"
    return text
