"""The command line of the local cloud: up, down, status, save, load, saves, forget, reset, calls, env."""

import errno
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from localcloud import config, launch, processes, roles, saves, snapshots, supervisor
from localcloud.errors import LocalCloudError, NotRunningError
from localcloud.instance import Folder, Record
from localcloud.snapshots import Header
from localcloud.trino import server

Command = Callable[..., Any]


def _folder_and_json(command: Command) -> Command:
    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)
    return click.option(
        "--dir",
        "folder",
        type=click.Path(path_type=Path),
        help=f"Folder of the instance [DM_LOCAL_DIR, else {config.DEFAULT_FOLDER}].",
    )(command)


def _say(text: str) -> None:
    click.echo(text, err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def local() -> None:
    """A cloud on this machine: S3, Glue, DynamoDB and more, and Athena, on one endpoint.

    Exit codes: 0 success, 1 not running, 2 wrong usage, 3 a part failed.
    """


@local.command(epilog="Example: dm local up --port 0 --bucket lake")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port of the endpoint, 0 for any free one [DM_LOCAL_PORT, else {config.DEFAULT_PORT}].",
)
@click.option(
    "--region",
    help=f"Region of Athena and Glue [AWS_REGION, AWS_DEFAULT_REGION, else {config.DEFAULT_REGION}].",
)
@click.option(
    "--bucket",
    "buckets",
    multiple=True,
    help=f"Bucket to create if it does not exist; may be repeated [{config.DEFAULT_BUCKET}].",
)
@click.option(
    "--engine",
    type=click.Choice(config.ENGINES),
    help="What runs Athena's statements [DM_LOCAL_ENGINE, else duckdb]; trino needs `make trino` once.",
)
@click.option(
    "--heap",
    "heap_mb",
    type=click.IntRange(server.MIN_HEAP_MB, server.MAX_HEAP_MB),
    default=config.DEFAULT_HEAP_MB,
    show_default=True,
    help="Megabytes of Trino's heap.",
)
@click.option(
    "--save-every",
    type=click.FloatRange(min=0),
    help=f"Seconds between snapshots, 0: none [DM_LOCAL_SAVE_EVERY, else {config.DEFAULT_SAVE_SECONDS:.0f}].",
)
@click.option(
    "--faults",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of faults to inject: lost commits, throttling, lost answers, killed parts [DM_LOCAL_FAULTS].",
)
@click.option(
    "--iam",
    type=click.Choice(config.IAM_MODES),
    help="Check requests of roles against their policies: refuse, or only record [DM_LOCAL_IAM].",
)
@_folder_and_json
def up(
    port: int | None,
    region: str | None,
    buckets: tuple[str, ...],
    engine: str | None,
    heap_mb: int,
    save_every: float | None,
    faults: Path | None,
    iam: str | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Start the cloud and wait until it answers.

    Parts that run already keep running; missing ones are started. After `down`, the cloud comes back with its
    state, and with the port, engine, faults and IAM mode given now. After a kill, it comes back on its old
    port with the state of the last complete snapshot, and says which one that is.
    """
    settings = config.Settings(
        folder=folder or config.folder_from(os.environ),
        port=config.port_from(os.environ) if port is None else port,
        region=region or config.region_from(os.environ),
        buckets=buckets or (config.DEFAULT_BUCKET,),
        engine=engine or config.engine_from(os.environ),
        trino=config.trino_from(os.environ),
        heap_mb=heap_mb,
        faults=faults.absolute() if faults else config.faults_from(os.environ),
        save_every=config.save_every_from(os.environ) if save_every is None else save_every,
        iam=iam or config.iam_from(os.environ),
    )
    started = supervisor.up(settings, _say)
    _warn_if_behind(settings.folder)
    if as_json:
        _print_json(_described(started.record))
        return
    click.echo(f"the local cloud {'is up' if started.new else 'was up already'} at {started.record.endpoint}")
    where = f" --dir {shlex.quote(str(folder))}" if folder else ""
    click.echo(f'point a shell at it with: eval "$({_program()} env{where})"')


def _program() -> str:
    """The command that runs this program in any shell, even one where `python` is another Python."""
    python, here = Path(sys.executable), Path.cwd()
    short = python.relative_to(here) if python.is_relative_to(here) else python
    return f"{shlex.quote(str(short))} -m localcloud"


@local.command(epilog="Example: dm local down")
@_folder_and_json
def down(folder: Path | None, as_json: bool) -> None:
    """Save the state to disk and stop the cloud."""
    path = folder or config.folder_from(os.environ)
    header = supervisor.down(path, _say)
    if as_json:
        _print_json(_header_json(header))
    else:
        if header.left_out:
            _say(f"not kept: the state of {', '.join(header.left_out)}")
        click.echo(f"the local cloud is down, its state saved at {header.summary}")


@local.command(epilog="Example: dm local status --json")
@_folder_and_json
def status(folder: Path | None, as_json: bool) -> None:
    """Show the parts: pid, port, memory, version. Exit code 1 when one is not running."""
    path = folder or config.folder_from(os.environ)
    try:
        record = supervisor.status(path)
    except NotRunningError as error:
        if as_json:
            _print_json({"endpoint": None, "region": config.region_from(os.environ), "parts": []})
        else:
            click.echo(f"not running: {error.message}; start one with: {error.hint}")
        sys.exit(1)
    last, problem = snapshots.header(Folder(path).state), saves.problem(record)
    _warn_if_behind(path)
    if as_json:
        told = {"last_snapshot": last and _header_json(last), "not_saved": problem or None}
        _print_json(_described(record) | told)
    else:
        _print_status(record, last)
        if problem:
            click.echo(f"changes since then cannot be saved: {problem}")
    sys.exit(0 if all(part.runs for part in record.parts) else 1)


@local.command(epilog="Example: dm local save before-migration")
@click.argument("name")
@_folder_and_json
def save(name: str, folder: Path | None, as_json: bool) -> None:
    """Save the state under NAME while the cloud runs; `load` restores it.

    If the cloud is not running, this copies the state that was saved last.
    """
    header = saves.save(folder or config.folder_from(os.environ), name)
    _print_saved(name, header, as_json, "saved")


@local.command(epilog="Example: dm local load before-migration")
@click.argument("name")
@_folder_and_json
def load(name: str, folder: Path | None, as_json: bool) -> None:
    """Replace the present state, which is lost, by the state saved under NAME.

    A running cloud is restarted on the same port.
    """
    header = supervisor.load(folder or config.folder_from(os.environ), name, _say)
    _print_saved(name, header, as_json, "loaded")


@local.command(name="saves", epilog="Example: dm local saves --json")
@_folder_and_json
def list_saves(folder: Path | None, as_json: bool) -> None:
    """List the states saved under a name."""
    folder = folder or config.folder_from(os.environ)
    found, problems = saves.all_of(folder), saves.unusable(folder)
    for problem in problems:
        click.echo(f"{problem.message}\n  try: {problem.hint}", err=True)
    if as_json:
        _print_json([_saved_json(name, header) for name, header in found.items()])
        return
    for name, header in found.items():
        click.echo(f"{name}  {header.summary}")
    if not found and not problems:
        click.echo("no state is saved under a name; save one with: dm local save NAME")


@local.command(epilog="Example: dm local forget before-migration")
@click.argument("name")
@_folder_and_json
def forget(name: str, folder: Path | None, as_json: bool) -> None:
    """Delete the state saved under NAME."""
    saves.forget(folder or config.folder_from(os.environ), name)
    if as_json:
        _print_json({"forgotten": name})
    else:
        click.echo(f"dropped the state saved as {name}")


def _print_saved(name: str, header: Header, as_json: bool, done: str) -> None:
    if as_json:
        _print_json(_saved_json(name, header))
        return
    if header.left_out:
        _say(f"not kept: the state of {', '.join(header.left_out)}")
    click.echo(f"{done} {name}: {header.summary}")


def _saved_json(name: str, header: Header) -> dict[str, object]:
    return {"name": name, **_header_json(header)}


def _header_json(header: Header) -> dict[str, object]:
    return {
        "saved_at": header.saved_at,
        "reason": header.reason,
        "counts": header.counts,
        "left_out": list(header.left_out),
    }


@local.command(epilog="Example: dm local reset")
@click.option("--saves", "with_saves", is_flag=True, help="Also remove the states saved under a name.")
@_folder_and_json
def reset(with_saves: bool, folder: Path | None, as_json: bool) -> None:
    """Stop the cloud without saving and remove its state; states saved under a name stay."""
    path = folder or config.folder_from(os.environ)
    supervisor.reset(path, saves=with_saves)
    if as_json:
        _print_json({"removed": str(path)})
    else:
        click.echo(f"removed the local cloud in {path}")


@local.command(epilog="Example: dm local calls --refused --json")
@click.option("--role", help="Only the calls of this role.")
@click.option("--refused", is_flag=True, help="Only calls that the role's policies do not allow.")
@_folder_and_json
def calls(role: str | None, refused: bool, folder: Path | None, as_json: bool) -> None:
    """Show what each role has called since the cloud was started with --iam."""
    record = supervisor.status(folder or config.folder_from(os.environ))
    found = [
        one for one in roles.called(record) if role in (None, one["role"]) and (one["refused"] or not refused)
    ]
    if as_json:
        _print_json(found)
        return
    for one in found:
        state = f"refused {one['refused']} of {one['times']}" if one["refused"] else f"{one['times']}"
        unjudged = f"  not judged: {', '.join(one['unjudged'])}" if one["unjudged"] else ""
        click.echo(f"{one['role']}  {one['action']}  {one['resource']}  {state}{unjudged}")
    if not found:
        _say("no role has made a call; use a role with: dm env --role ROLE")


@local.command(epilog='Example: eval "$(dm local env)"')
@click.option("--role", help="Print credentials of a session of this role; `local` are the owner's.")
@_folder_and_json
def env(role: str | None, folder: Path | None, as_json: bool) -> None:
    """Print the exports that point any AWS client at the running cloud."""
    record = supervisor.status(folder or config.folder_from(os.environ))
    variables = launch.client_environment(record.endpoint, record.region)
    if role:
        variables |= roles.take(record, role)
    if as_json:
        _print_json(variables)
        return
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    if not role and "AWS_SESSION_TOKEN" in os.environ:
        click.echo("unset AWS_SESSION_TOKEN")  # left over from a role in this shell


def _described(record: Record) -> dict[str, object]:
    parts = [
        {
            "name": part.name,
            "running": part.runs,
            "pid": part.pid,
            "port": part.port,
            "memory_bytes": processes.memory(part.pid) if part.runs else 0,
            "version": part.version,
            "log": part.log,
        }
        for part in record.parts
    ]
    endpoint = record.endpoint if record.part("aws") else None
    found = {"endpoint": endpoint, "region": record.region, "parts": parts}
    return {**found, "faults": record.settings.get("faults"), "iam": record.settings.get("iam")}


def _print_status(record: Record, last: Header | None) -> None:
    click.echo(f"{record.endpoint}  region {record.region}")
    for part in record.parts:
        state = f"pid {part.pid}  {processes.memory(part.pid) >> 20} MB" if part.runs else "not running"
        click.echo(f"  {part.name:<8}port {part.port}  {part.version}  {state}  log {part.log}")
    every = record.settings.get("save_every")
    when = f"every {every:g} s while something changes" if every else "when the cloud goes down"
    if faults := record.settings.get("faults"):
        click.echo(f"  faults  injected from {faults}")
    if iam := record.settings.get("iam"):
        click.echo(f"  iam     mode {iam}; see: dm local calls")
    click.echo(f"  saved   {when}; last: {last.summary if last else 'never'}")
    if not all(part.runs for part in record.parts):
        click.echo("start what is missing with: dm local up")


def _warn_if_behind(path: Path) -> None:
    if Folder(path).is_behind():
        _say("warning: this cloud was started before its code changed; to run the new code: down, then up")


def _print_json(content: object) -> None:
    click.echo(json.dumps(content, indent=2))


# The errors of a full disk, an exhausted quota, and a file size limit.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(called: str = "python -m localcloud") -> None:
    """Entry point of the program `called`: turns errors into a message and an exit code."""
    # As after Ctrl-C, an `up` then stops what it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        local(prog_name=called)
    except LocalCloudError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  try: {error.hint}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno in _NO_ROOM:
            click.echo(f"error: nothing more can be written here: {error.strerror}", err=True)
            click.echo("  try: make room on the disk of the cloud's folder, then run this again", err=True)
            sys.exit(LocalCloudError.exit_code)
        if error.filename is None:
            raise
        click.echo(f"error: {str(error.filename)!r}: {error.strerror}", err=True)
        click.echo("  try: another folder with --dir, one that you may read and write", err=True)
        sys.exit(LocalCloudError.exit_code)
