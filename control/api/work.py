"""Run one command of `dm` in a process of its own, and return its output.

The process is forked from one that has already imported everything. A command that crashes or is killed does
not affect the server, and is as safe to kill as `dm` itself.
"""

import errno
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO

import click

from control.api.endpoints import endpoints
from control.cli.main import dm
from control.errors import ControlError, meaning

LOST = "the command ended without a result; the server's log may say why"
FULL = "there is no disk space for the output; the command may have done its work"


@dataclass(frozen=True, slots=True)
class Problem:
    """The error of a command."""

    status: int
    message: str
    hint: str = ""
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON that a command printed, in `body`, and its exit code: 0, or 1 for a finding."""

    exit_code: int
    body: IO[bytes]


AT_ONCE = 8
_AT_ONCE = BoundedSemaphore(AT_ONCE)
_CONTEXT = get_context("forkserver")


def warm_up() -> None:
    """Start the process that commands are forked from, with everything imported."""
    _CONTEXT.set_forkserver_preload([__name__, "control.wiring", "control.contracts.load", "pyarrow.parquet"])
    _run_to_end(_nothing, ())


def answer(argv: Sequence[str]) -> Answer | Problem:
    """Run `dm` with `argv` and return its output. Its stderr is the server's."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="dm-serve-")
    except OSError as error:
        return Problem(500, f"commands cannot run: {error.strerror}", _room(tempfile.gettempdir()))
    with _AT_ONCE, folder as place:
        out = Path(place, "answer.json")
        told = _run_to_end(_command, (list(argv), str(out)))
        if isinstance(told, int) and out.stat().st_size:
            return Answer(told, out.open("rb"))  # stays readable after the folder is removed
        return told if isinstance(told, Problem) else Problem(500, LOST)


def _room(place: str | Path) -> str:
    return f"free disk space in {place} on the server"


def end_all() -> None:
    """End every command that still runs."""
    for child in _CONTEXT.active_children():
        child.terminate()


def _run_to_end(target: Callable[..., None], args: tuple[object, ...]) -> object:
    """Run `target` in a process and return what it sends; None if it ends without sending anything."""
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    child = _CONTEXT.Process(target=target, args=(*args, sender))
    child.start()
    sender.close()
    with receiver:
        try:
            return receiver.recv()
        except EOFError:
            return None
        finally:
            child.join()


def _nothing(sender: Connection) -> None:
    endpoints()
    sender.send(None)


def _command(argv: list[str], out: str, sender: Connection) -> None:
    stdout = os.open(out, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(stdout, 1)
    try:
        told = _outcome(argv)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # otherwise Python flushes again at exit and fails
        told = Problem(500, FULL, _room(Path(out).parents[1]))
    with suppress(BrokenPipeError):  # the server was killed
        sender.send(told)


def _outcome(argv: list[str]) -> int | Problem:
    try:
        dm.main(args=argv, prog_name="dm", standalone_mode=False)
        return 0
    except ControlError as error:
        means = meaning(error)
        return Problem(means.http_status, error.message, error.hint, means.retryable)
    except click.ClickException as error:
        return Problem(400, error.format_message(), hint="/openapi.json describes the parameters")
    except click.Abort:  # Ctrl-C in the server's terminal also reaches its commands
        return Problem(503, "the server was stopped", retryable=True)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
