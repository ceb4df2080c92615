"""`dm parse`: parse one raw file to Parquet and quarantine, without any cloud."""

import gc
import hashlib
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from control.cli.output import one_line
from control.config import from_environment
from control.errors import NO_ROOM, UsageError, printable

if TYPE_CHECKING:
    from bronze.parse import Report, Source


@click.command(
    "parse",
    epilog="""\b
Examples:
  dm parse reviews.csv.gz --contract contracts/bronze/review.yaml --out parsed
  dm parse raw/review/extract=2/r.csv.gz --contract contracts/bronze/review.yaml --out parsed --json
  dm parse parsed/quarantine/1f0c.jsonl --contract contracts/bronze/review.yaml --out replayed
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--contract", "contract_path", type=click.Path(path_type=Path), required=True, metavar="C",
              help="Contract of the file's table.")  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder to write to."
)
@click.option("--file-id", metavar="ID", help="Name of the file in rows and outputs [default: its SHA-256].")
@click.option("--epoch", type=click.IntRange(0, 10**10 - 1), metavar="N",
              help="Epoch of the source's log [default: the path's epoch=<N>, else 1].")  # fmt: skip
@click.option("--position", metavar="P",
              help="Position of the loads' snapshot, as in the reload's _BEGIN.")  # fmt: skip
@click.option("--extract", type=click.IntRange(0, 10**20 - 1), metavar="N",
              help="Number of the extract [default: the path's extract=<N>, else 1].")  # fmt: skip
@click.option("--max-inflated-bytes", type=click.IntRange(1), help="Refuse a file that inflates to more.")
@click.option("--max-ratio", type=click.IntRange(1), help="Refuse a file that inflates by a larger factor.")
@click.option("--max-line-bytes", type=click.IntRange(1), help="Quarantine a line that is longer.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(
    file: Path,
    contract_path: Path,
    out: Path,
    file_id: str | None,
    epoch: int | None,
    extract: int | None,
    position: str | None,
    max_inflated_bytes: int | None,
    max_ratio: int | None,
    max_line_bytes: int | None,
    as_json: bool,
) -> None:
    """Parse FILE, a .csv or .json, compressed (.gz, .zst) or not, by the contract of its table.

    A quarantine file (.jsonl) is replayed: its records are checked again, and keep their file, line and
    sequence.

    Good rows go to DIR/bronze, control records to DIR/events and refused records to DIR/quarantine. A file
    that is refused as a whole leaves no DIR/bronze. Tokens of personal values need DM_TOKEN_KEY.
    Exit codes: 0 parsed, 1 the file is refused, 2 a file or the contract cannot be used.
    """
    # For a small file, most time is start-up: it takes 15 ms less if the collector does not scan the modules,
    # now and at exit.
    gc.disable()
    if sys.platform == "linux":  # jemalloc takes a fifth less memory than Arrow's default, at the same speed
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
    from bronze import contract as contracts
    from bronze.errors import BronzeError
    from bronze.parse import parse

    gc.freeze()
    gc.enable()
    asked = {"inflated_bytes": max_inflated_bytes, "ratio": max_ratio, "line_bytes": max_line_bytes}
    token_key = from_environment(os.environ).token_key or None
    try:
        contract = contracts.load(contract_path)
        caps = {name: value for name, value in asked.items() if value is not None}
        limits = replace(contract.limits, **caps)
        with file.open("rb") as stream:
            source = _source(file, stream, file_id, epoch, extract, position)
            with _watched(stream, file) as watched:
                report = parse(watched, contract, source, out, token_key=token_key, limits=limits)
    except BronzeError as error:
        raise UsageError(error.message, hint=error.hint) from error
    except OSError as error:
        hint = "free space on its disk, or name another folder" if error.errno in NO_ROOM else ""
        raise UsageError(f"{error.filename or out}: {error.strerror or error}", hint=hint) from error
    if as_json:
        click.echo(json.dumps(asdict(report), indent=2, ensure_ascii=False))
    elif report.failure is None:
        _print_counts(report, out)
    if report.failure is not None:
        why = _why(out / "quarantine" / f"{source.file_id}.jsonl")
        where = one_line(str(file))
        click.echo(f"error: {where} is refused as a whole ({report.failure}): {why}", err=True)
        sys.exit(1)


def _source(
    file: Path,
    stream: BufferedReader,
    file_id: str | None,
    epoch: int | None,
    extract: int | None,
    position: str | None,
) -> "Source":
    from bronze.parse import Source, source_of

    name = file_id or "unnamed"
    if file.name.endswith(".jsonl"):
        if (epoch, extract, position) != (None, None, None):
            raise UsageError(
                f"{file} is a quarantine file, whose entries say their epoch, extract and position",
                hint="leave out --epoch, --extract and --position",
            )
        found = Source(name, 1, 1, "json", "none", replay=True)
    else:
        found = source_of(file.as_posix(), name)
    if file_id is None:
        found = replace(found, file_id=hashlib.file_digest(stream, "sha256").hexdigest())
        stream.seek(0)
    return replace(
        found,
        epoch=found.epoch if epoch is None else epoch,
        extract=found.extract if extract is None else extract,
        position=position,
    )


@contextmanager
def _watched(stream: BinaryIO, file: Path) -> Iterator[BinaryIO]:
    """The stream, with a progress bar on a terminal."""
    if not sys.stderr.isatty():
        yield stream
        return
    with click.progressbar(length=file.stat().st_size, label=printable(file.name), file=sys.stderr) as bar:
        yield cast(BinaryIO, _Watched(stream, bar.update))


class _Watched:
    """A stream that calls `advance` with the number of bytes of each read."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], None]) -> None:
        self._stream = stream
        self._advance = advance

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._advance(len(data))
        return data


def _print_counts(report: "Report", out: Path) -> None:
    click.echo(
        f"{report.records:,} records in {report.lines:,} lines: {report.rows:,} rows, "
        f"{report.quarantined:,} quarantined, {report.control:,} control"
    )
    for reason, count in sorted(report.reasons.items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"  {count:>10,}  {one_line(reason)}")
    click.echo(f"written to {out}")


def _why(quarantine: Path) -> str:
    """Why the whole file was refused: its entry is the last one."""
    with quarantine.open(encoding="utf-8") as entries:
        last = deque(entries, maxlen=1).pop()
    return one_line(str(json.loads(last)["detail"]))
