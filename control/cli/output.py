"""How every command prints its result: a table for people, JSON for machines."""

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from textwrap import indent
from typing import TYPE_CHECKING

import click

from control.errors import printable

if TYPE_CHECKING:
    from control.model import Finding

# A long table is printed in pages; each page has its own column widths.
ROWS_A_PAGE = 1_000
# Cells of this length are shown whole; if a row is too long, longer ones are cut.
UNCUT = 12
GAP = 2
_PLAIN = (str, int, bool, float, type(None))


def plain(value: object) -> object:
    """Convert dataclasses, times and tuples to types that JSON supports."""
    if type(value) in _PLAIN:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def print_json(value: object) -> None:
    """Print `value` as indented JSON on stdout."""
    import msgspec  # 7 ms that no table needs

    # 100,000 findings of the contract gate take 0.3 s, and 3 s with the standard library.
    click.echo(msgspec.json.format(msgspec.json.encode(plain(value)), indent=2))


def print_json_list(values: Iterable[object]) -> None:
    """Print `values` as `print_json` would print a list, each as soon as it is available."""
    import msgspec

    start = "["
    for value in values:
        text = msgspec.json.format(msgspec.json.encode(plain(value)), indent=2).decode()
        click.echo(start + "\n" + indent(text, "  "), nl=False)
        start = ","
    click.echo("[]" if start == "[" else "\n]")


def print_findings(findings: Sequence["Finding"], *, as_json: bool) -> bool:
    """Print `findings` and their number; return whether none of them is an error."""
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        print_json({"ok": not errors, "findings": findings})
    else:
        for finding in findings:
            click.echo(one_line(f"{finding.severity}: {finding.where}: {finding.message} [{finding.code}]"))
        click.echo(f"{errors} errors, {len(findings) - errors} warnings")
    return not errors


def print_table(rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, empty: str) -> None:
    """Print `rows` as an aligned table of `columns` on stdout, or the sentence `empty` for none."""
    if not rows:
        click.echo(empty)
        return
    from rich.cells import cell_len
    from rich.console import Console, JustifyMethod  # 60 ms to import: only people need it
    from rich.table import Table
    from rich.text import Text

    titles = [column.replace("_", " ") for column in columns]
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    room = Console().width if sys.stdout.isatty() else 160
    longest = [max(map(cell_len, column)) for column in zip(titles, *cells, strict=True)]
    widths = _fitted(longest, room - GAP * (len(columns) - 1))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, title, width in zip(columns, titles, widths, strict=True):
        numeric = all(isinstance(row.get(column), int | float) for row in rows)
        justify: JustifyMethod = "right" if numeric else "left"
        table.add_column(title, justify=justify, no_wrap=True, width=width)
    for line in cells:
        # Text, not str: a key may contain what rich would read as markup.
        table.add_row(*map(Text, line))
    # A terminal folds lines that are too long even so; rich would leave out whole columns.
    Console(width=max(room, sum(widths) + GAP * (len(columns) - 1))).print(table)


def _fitted(widths: list[int], room: int) -> list[int]:
    """Narrow the widest columns until they fit into `room`, but none to less than `UNCUT`."""
    widths = [min(width, max(room, UNCUT)) for width in widths]
    while sum(widths) > room and max(widths) > UNCUT:
        widths[widths.index(max(widths))] -= 1
    return widths


def print_pages(rows: Iterable[Mapping[str, object]], columns: Sequence[str], *, empty: str) -> None:
    """Print as `print_table`, page by page as soon as the rows are available."""
    left = iter(rows)
    page = list(islice(left, ROWS_A_PAGE))
    print_table(page, columns, empty=empty)
    while len(page) == ROWS_A_PAGE and (page := list(islice(left, ROWS_A_PAGE))):
        print_table(page, columns, empty=empty)


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def one_line(text: str) -> str:
    """`text`, safe to print. A key may contain a line feed, and must not look like a separate line."""
    return printable(text).replace("\n", "\\n")


def say_next(rows: Sequence[object]) -> None:
    """If there is work to do, print on stderr which command does it."""
    if rows:
        click.echo("`dm ingest run --until-idle` does it.", err=True)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return one_line(str(value))
