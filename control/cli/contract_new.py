"""`dm contract new`: the first draft of a table from a raw file."""

from pathlib import Path

import click


@click.group("new")
def new() -> None:
    """Draft the contracts and models of a new table."""


@new.command(
    epilog="""\b
Examples:
  dm contract new bronze wine --from-file wines.csv.gz
  dm contract new bronze wine --from-file raw/wine/changes.json.gz --silver wines
"""
)
@click.argument("table")
@click.option(
    "--from-file", "file", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A raw file of the table: .csv.gz or .json.gz.",
)  # fmt: skip
@click.option("--silver", metavar="NAME", help="Name of the view in silver [default: TABLE and an s].")
def bronze(table: str, file: Path, silver: str | None) -> None:
    """Draft the bronze table TABLE and its view in silver from a raw file.

    Looks at the first 10,000 records and writes two contracts, in status draft, and two models below the
    working folder. It writes over nothing. Exit codes: 0 drafted, 1 the file
    has nothing that can be drafted, 2 a file cannot be read or stands in the way.
    """
    import re

    from control.contracts.draft import files
    from control.contracts.infer import infer
    from control.errors import UsageError

    if not re.fullmatch(r"[a-z][a-z0-9_]*", table):
        raise UsageError(f"{table!r} is no name of a table", hint="use lower case letters, digits and _")
    texts = files(table, silver or f"{table}s", infer(file), file.name)
    drafted = {Path(name): text for name, text in texts.items()}
    taken = [str(path) for path in drafted if path.exists()]
    if taken:
        raise UsageError(
            f"{', '.join(taken)} is there already", hint="remove it, or give --silver another name"
        )
    for path, text in drafted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        click.echo(f"{path}: drafted")
    click.echo("next: read them, name owner and consumers, then dm contract lint && dm contract sync")
