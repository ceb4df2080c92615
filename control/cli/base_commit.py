"""Read what a proposal is compared with from a commit."""

from pathlib import Path

import click

from control.cli.output import counted


def files_of(ref: str, folder: Path) -> dict[str, bytes]:
    """Return the files that `folder` had in the commit `ref`; a note says if the branch lacks some of it."""
    from control.wiring import commits_missing, files_at

    files = files_at(ref, folder)
    if missing := commits_missing(ref, folder):
        click.echo(
            f"note: this branch lacks {counted(missing, 'commit')} of {ref} that changed {folder}: what they"
            f" did appears here as undone. Merge {ref} first.",
            err=True,
        )
    return files
