"""`dm contract new`: the first draft of a table from a raw file, and of silver from a bronze contract."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.errors import UsageError, printable

if TYPE_CHECKING:
    from control.contracts.infer import Found, Shape
    from control.contracts.source import Document


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
    help="A raw file of the table: .csv or .json, also packed as .gz or .zst.",
)  # fmt: skip
@click.option("--silver", metavar="NAME", help="Name of the view in silver [default: TABLE and an s].")
def bronze(table: str, file: Path, silver: str | None) -> None:
    """Draft the bronze table TABLE and its view in silver from a raw file.

    Looks at the first 10,000 records and writes two contracts, in status draft, and two models below the
    working folder. It writes over nothing, and warns of what the draft refuses of the file. Exit codes: 0
    drafted, 1 the file has nothing that can be drafted, 2 a file cannot be read or stands in the way.
    """
    from control.contracts.draft import files, is_guess, key, names
    from control.contracts.infer import infer
    from control.contracts.trial import objections

    silver = silver or f"{table}s"
    _named(table, silver)
    shape = infer(file)
    drafts = files(table, silver, shape, file.name)
    refused = objections(drafts[f"contracts/bronze/{table}.yaml"], file)
    _write(
        drafts,
        replace=False,
        way="change what is there, or remove it and draft anew; --silver names the view otherwise",
    )
    if refused:
        click.echo(
            f"warning: of {file.name} {printable(refused)}; dm parse shows each, docs/raw-files.md why",
            err=True,
        )
    called = names(table, shape, file.name)
    if renamed := [f"{raw} {name}" for raw, name in called.items() if raw != name]:
        click.echo(
            f"note: the table calls {printable(', '.join(renamed))}; raw files keep their names (rawName)"
        )
    found = key(shape, file.name)
    keys = ", ".join(called[column.name] for column in found)
    if is_guess(shape, found):
        lacks = (
            "deletes do not show the key, and it alone, by what they leave out"
            if shape.is_log
            else f"no column of {file.name}, nor two or three together, has another value in each record"
        )
        click.echo(
            f"warning: {lacks}: {keys} is a guess at the key, and of rows with the same key silver keeps the"
            " latest",
            err=True,
        )
    _say_what_is_personal(shape, found, called)
    for column in shape.columns:
        if column.resembles:
            click.echo(
                f"note: {called[column.name]} looks like {column.resembles} is how raw files write it;"
                " as it is here it stays a string"
            )
    click.echo(
        f"next: read contracts/bronze/{table}.yaml: the key ({keys}), types, what is required, who may"
        f" know. What you change goes into silver by dm contract new silver {table} --replace\n"
        "then name owner and consumers, and dm contract lint && dm contract sync"
    )


@new.command(
    epilog="""\b
Examples:
  dm contract new silver wine
  dm contract new silver wine --replace    (once contracts/bronze/wine.yaml is as it shall be)
"""
)
@click.argument("table")
@click.option("--silver", metavar="NAME", help="Name of the view [default: TABLE and an s].")
@click.option(
    "--replace",
    is_flag=True,
    help="Write over the models and a contract that is a draft, but for what it says of the whole table.",
)
def silver(table: str, silver: str | None, replace: bool) -> None:
    """Draft the view of bronze table TABLE in silver, and its state table, from contracts/bronze/TABLE.yaml.

    A personal column is shown as its token. Exit codes: 0 drafted, 1 nothing can be drafted from the
    contract, 2 it is not there, or a file stands in the way.
    """
    from control.contracts.draft import silver_files
    from control.contracts.load import one

    silver = silver or f"{table}s"
    _named(table, silver)
    home = Path("contracts/bronze") / f"{table}.yaml"
    if not home.exists():
        raise UsageError(
            f"there is no {home}", hint=f"dm contract new bronze {table} --from-file FILE drafts it"
        )
    held = _earlier(Path("contracts/silver") / f"{silver}.yaml") if replace else None
    _write(silver_files(one(home), silver, held.mapping if held else {}), replace=replace)
    click.echo("next: name owner and consumers, then dm contract lint && dm contract sync")


@new.command(
    epilog="""\b
Examples:
  dm contract new model rentals_by_month
  dm contract new model rentals_by_month --replace    (once its last select has other columns)
"""
)
@click.argument("name")
@click.option(
    "--replace", is_flag=True,
    help="Write over a contract that is still a draft, but for what it says of the whole table.",
)  # fmt: skip
def model(name: str, replace: bool) -> None:
    """Draft the contract of the model NAME that you have written in models/silver or models/gold.

    Columns and types are those that its last select casts, the key is its unique_key; what a column means is
    taken from the tables that it reads, which then name the model among their consumers. Exit codes: 0
    drafted, 1 the model does not say its columns or its key, 2 there is no such model, or a file stands in
    the way.
    """
    from control.contracts.draft_model import draft, found, home_of
    from control.contracts.load import folder

    _named(name)
    file = found(name, Path("models"))
    held = _earlier(home_of(file)) if replace else None
    made = draft(file, folder(Path("contracts")), held)
    _write({home_of(file).as_posix(): made.text}, replace=replace)
    for read in made.reads:
        if f"{made.layer}.{name}" not in {consumer.name for consumer in read.consumers}:
            _announce(f"{made.layer}.{name}", Path(read.file))
    if made.key_of:
        click.echo(
            f"warning: the model states no key, and has that of {made.key_of}: {', '.join(made.key)}",
            err=True,
        )
    click.echo("next: describe it, name owner and consumers, then dm contract lint && dm contract sync")


def _say_what_is_personal(shape: "Shape", key: "Sequence[Found]", called: Mapping[str, str]) -> None:
    from control.contracts.draft import is_held_personal

    personal = [c for c in shape.columns if is_held_personal(c, key)]
    hidden = [called[c.name] for c in personal if c.type != "string"]
    if personal:
        named = ", ".join(called[c.name] for c in personal)
        without = f" and {', '.join(hidden)} not at all" if hidden else ""
        click.echo(
            f"note: {named} {'is' if len(personal) == 1 else 'are'} taken to be personal, so silver shows"
            f" tokens in the place of texts{without}: where that is wrong, say classification: public and"
            " take token away"
        )
    if bare := [called[c.name] for c in shape.columns if c.personal and c not in personal]:
        click.echo(
            f"warning: {', '.join(bare)} may be personal, and is drafted as public: if so, make it a string"
            " with classification: personal and the custom property token: true",
            err=True,
        )


def _announce(reader: str, contract: Path) -> None:
    """Name `reader` among the consumers of a contract, or say that somebody has to."""
    from control.contracts import consumers, source

    document, _ = source.read(contract.as_posix(), contract.read_bytes())
    text = consumers.with_reader(document, reader) if document else None
    if text is None:
        click.echo(f"warning: name {reader} among the consumers of {contract}", err=True)
        return
    contract.write_text(text)
    click.echo(f"{contract}: names {reader} among its consumers")


def _earlier(home: Path) -> "Document | None":
    """The contract that a draft takes the place of, if there is one. Raises UsageError for one in force."""
    from control.contracts import source
    from control.contracts.load import one

    if not home.exists():
        return None
    if one(home).status != "draft":
        raise UsageError(f"{home} is in force, no draft", hint="edit it and its models by hand")
    document, _ = source.read(home.as_posix(), home.read_bytes())
    return document


def _named(*names: str) -> None:
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise UsageError(f"{name!r} is no name of a table", hint="use lower case letters, digits and _")


def _write(texts: Mapping[str, str], *, replace: bool, way: str = "--replace writes over a draft") -> None:
    """Write the drafts, or none: what is there already is only written over when that is asked for."""
    files = {Path(name): text for name, text in texts.items()}
    taken = [str(path) for path in files if path.exists()]
    if taken and not replace:
        raise UsageError(f"{', '.join(taken)} {'is' if len(taken) == 1 else 'are'} there already", hint=way)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        click.echo(f"{path}: drafted")
