"""`dm contract new`: draft contracts and models from a raw file, a bronze contract or a model."""

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
    help="A raw file of the table: .csv or .json, optionally compressed (.gz, .zst).",
)  # fmt: skip
@click.option("--silver", metavar="NAME", help="Name of the view in silver [default: TABLE plus s].")
def bronze(table: str, file: Path, silver: str | None) -> None:
    """Draft the contracts and models of a new table TABLE from one of its raw files.

    Infers columns and types from the first 10,000 records. Writes two contracts (bronze and silver, in status
    draft) and two models below the current folder, and warns if the draft would refuse records of the file.
    Existing files are never overwritten. Exit codes: 0 drafted, 1 no table can be inferred from the file, 2 a
    file cannot be read, or one to be written exists.
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
        way="edit these files, or delete them and draft again; --silver gives the view another name",
    )
    if refused:
        click.echo(
            f"warning: {file.name}: {printable(refused)}; dm parse shows each, docs/raw-files.md says why",
            err=True,
        )
    called = names(table, shape, file.name)
    if renamed := [f"{raw} to {name}" for raw, name in called.items() if raw != name]:
        click.echo(
            f"note: the table renames {printable(', '.join(renamed))}; raw files keep their names (rawName)"
        )
    found = key(shape, file.name)
    keys = ", ".join(called[column.name] for column in found)
    if is_guess(shape, found):
        lacks = (
            "the deletes in the file do not show which columns are the key"
            if shape.is_log
            else f"no column of {file.name}, and no two or three together, are unique in the records"
        )
        click.echo(
            f"warning: {lacks}: {keys} is a guess at the key. Silver keeps only the latest of the rows with"
            " the same key",
            err=True,
        )
    _say_what_is_personal(shape, found, called)
    for column in shape.columns:
        if column.resembles:
            kind, _, form = column.resembles.partition(": ")
            click.echo(
                f"note: {called[column.name]} looks like {kind}, but stays a string: raw files write {kind}"
                f" as {form}"
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
  dm contract new silver wine --replace    (after editing contracts/bronze/wine.yaml)
"""
)
@click.argument("table")
@click.option("--silver", metavar="NAME", help="Name of the view [default: TABLE plus s].")
@click.option(
    "--replace",
    is_flag=True,
    help="Overwrite the models and a draft contract, except its statements about the table as a whole.",
)
def silver(table: str, silver: str | None, replace: bool) -> None:
    """Draft the silver view of bronze table TABLE, and its state table, from contracts/bronze/TABLE.yaml.

    The view shows personal columns as tokens. Exit codes: 0 drafted, 1 the contract cannot be used for this,
    2 there is no such contract, or a file to be written exists.
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
  dm contract new model rentals_by_month --replace    (after changing the columns of its last select)
"""
)
@click.argument("name")
@click.option(
    "--replace", is_flag=True,
    help="Overwrite a draft contract, except its statements about the table as a whole.",
)  # fmt: skip
def model(name: str, replace: bool) -> None:
    """Draft the contract of the model NAME that you have written in models/silver or models/gold.

    Columns and types come from the casts in its last select, the key from its unique_key, and descriptions
    from the tables that it reads. The model is added to the consumers of these tables. Exit codes: 0 drafted,
    1 the model does not state its columns or its key, 2 there is no such model, or the contract exists.
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
            f"warning: the model states no key, so that of {made.key_of} is used: {', '.join(made.key)}",
            err=True,
        )
    click.echo("next: describe it, name owner and consumers, then dm contract lint && dm contract sync")


def _say_what_is_personal(shape: "Shape", key: "Sequence[Found]", called: Mapping[str, str]) -> None:
    from control.contracts.draft import is_drafted_personal

    personal = [c for c in shape.columns if is_drafted_personal(c, key)]
    hidden = [called[c.name] for c in personal if c.type != "string"]
    if personal:
        named = ", ".join(called[c.name] for c in personal)
        without = f", and leaves out {', '.join(hidden)}" if hidden else ""
        click.echo(
            f"note: {named} {'is' if len(personal) == 1 else 'are'} taken to be personal, so silver shows"
            f" tokens instead of texts{without}. If that is wrong, set classification: public and drop token"
        )
    if bare := [called[c.name] for c in shape.columns if c.personal and c not in personal]:
        click.echo(
            f"warning: {', '.join(bare)} may be personal, but is drafted as public. If so, make it a string"
            " with classification: personal and the custom property token: true",
            err=True,
        )


def _announce(reader: str, contract: Path) -> None:
    """Add `reader` to the consumers of a contract, or print that someone has to."""
    from control.contracts import consumers, source

    document, _ = source.read(contract.as_posix(), contract.read_bytes())
    text = consumers.with_reader(document, reader) if document else None
    if text is None:
        click.echo(f"warning: name {reader} among the consumers of {contract}", err=True)
        return
    contract.write_text(text)
    click.echo(f"{contract}: names {reader} among its consumers")


def _earlier(home: Path) -> "Document | None":
    """Return the draft contract that is to be replaced, if any. Raises UsageError if it is not a draft."""
    from control.contracts import source
    from control.contracts.load import one

    if not home.exists():
        return None
    if one(home).status != "draft":
        raise UsageError(f"{home} is not a draft", hint="edit it and its models by hand")
    document, _ = source.read(home.as_posix(), home.read_bytes())
    return document


def _named(*names: str) -> None:
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise UsageError(f"{name!r} is not a table name", hint="use lower case letters, digits and _")


def _write(texts: Mapping[str, str], *, replace: bool, way: str = "--replace overwrites a draft") -> None:
    """Write all drafts, or none if a file exists and `replace` is false."""
    files = {Path(name): text for name, text in texts.items()}
    taken = [str(path) for path in files if path.exists()]
    if taken and not replace:
        raise UsageError(f"{', '.join(taken)} already exist{'s' if len(taken) == 1 else ''}", hint=way)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        click.echo(f"{path}: drafted")
