"""`dm`: the command line of the control plane. A command's module is imported only when it is called."""

import importlib
import sys
from importlib.util import find_spec
from io import TextIOWrapper

import click

from control.errors import NO_ROOM, ControlError, UsageError, meaning, printable

# name -> (module with a click command called `command`, one line of help for the list of commands)
COMMANDS: dict[str, tuple[str, str]] = {
    "local": ("control.cli.local", "Start, stop and look at the cloud on this machine."),
    "env": ("control.cli.env", "Print the exports that point dbt and other clients at the local cloud."),
    "sample": ("control.cli.sample", "Land sample data as a producer would."),
    "parse": ("control.cli.parse", "Parse one raw file to Parquet and quarantine, without any cloud."),
    "ingest": ("control.cli.ingest", "Ingest raw files; replay what is published; sweep leftovers."),
    "files": ("control.cli.files", "List raw files and their state; redrive what failed."),
    "quarantine": ("control.cli.quarantine", "Show, replay or waive the records that were refused."),
    "contract": ("control.cli.contract", "Check the data contracts and render the files derived from them."),
    "lineage": ("control.cli.lineage", "Trace columns from source to gold, and see what a change affects."),
    "catalog": ("control.cli.catalog", "Publish tables, owners, checks and lineage to OpenMetadata."),
    "docs": ("control.cli.docs", "Write the static site of all tables."),
    "doctor": ("control.cli.doctor", "Check whether dbt is safe to run here: configs, tables, leftovers."),
    "reconcile": ("control.cli.reconcile", "Compare gold with a full recompute, row for row."),
    "cost": ("control.cli.cost", "Show what dbt runs read and cost; check models against budgets."),
    "maintain": ("control.cli.maintain", "Compact the tables that dbt writes, and expire old versions."),
    "retention": ("control.cli.retention", "Delete old raw files and bronze once nobody needs them."),
    "deploy": ("control.cli.deploy", "Create, update or destroy what infra/ describes in an AWS account."),
    "serve": ("control.api.serve", "Serve these commands as REST paths, and a panel, on 127.0.0.1."),
    "status": ("control.cli.status", "Show every table: last batch, rows, quarantine."),
}


class LazyGroup(click.Group):
    """A click group that imports a command's module on first use, so that start-up stays short."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  the signature is click's
        """The names, in the order of the table above."""
        return [name for name in COMMANDS if _is_there(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module and return its command; None for an unknown name."""
        if not _is_there(cmd_name):
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]}.command is not a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As in click, with suggestions for a mistyped name."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(
                error.command_name, possibilities=self.list_commands(ctx), ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items() if _is_there(name)])


def _is_there(name: str) -> bool:
    """Whether the command's module exists: a project without the example has no `sample`."""
    return name in COMMANDS and find_spec(COMMANDS[name][0]) is not None


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  dm local up && eval "$(dm env)"
  dm ingest run --until-idle
  dm status --json
""",
)
@click.version_option(package_name="lakehouse-in-a-box", prog_name="dm")
def dm() -> None:
    """Run a lakehouse: ingest raw files, check contracts, look at every table's state.

    Exit codes: 0 fine, 1 a finding or failed check, 2 wrong usage or configuration, 3 upstream failure.
    """


def main() -> None:
    """Entry point of the `dm` script: turns the error tree into a message and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # JSON is UTF-8, and names are not limited to what a locale has
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        dm(prog_name="dm")
    except ControlError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  try: {error.hint}", err=True)
        sys.exit(meaning(error).exit_code)
    except OSError as error:
        if error.errno in NO_ROOM:
            click.echo(f"error: nothing more can be written: {error.strerror}", err=True)
            click.echo(
                "  try: free disk space (TMPDIR sets the folder for large files), then run this again",
                err=True,
            )
            sys.exit(meaning(UsageError("")).exit_code)
        # An error with a file name concerns a file that the caller named; any other is a bug of ours.
        if error.filename is None:
            raise
        click.echo(f"error: {printable(str(error.filename))}: {error.strerror}", err=True)
        click.echo("  try: another path, or check its permissions", err=True)
        sys.exit(meaning(UsageError("")).exit_code)


if __name__ == "__main__":
    main()
