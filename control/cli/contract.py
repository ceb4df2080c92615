"""`dm contract`: check the data contracts, and render the files derived from them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli import options
from control.cli.contract_drift import drift
from control.cli.contract_gate import gate
from control.cli.contract_new import new
from control.cli.contract_replay import replay
from control.cli.output import counted, print_json

if TYPE_CHECKING:
    from control.contracts.model import Finding
    from control.contracts.sync import Change


@click.group("contract")
def command() -> None:
    """Check the data contracts, render the files derived from them, and judge their changes."""


command.add_command(drift)
command.add_command(gate)
command.add_command(new)
command.add_command(replay)


@command.command(
    epilog="""\b
Examples:
  dm contract lint
  dm contract lint contracts/silver/beers.yaml
  dm contract lint contracts/gold --json
"""
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def lint(paths: tuple[Path, ...], as_json: bool) -> None:
    """Check contracts against ODCS v3.1.0 and the rules of this lakehouse.

    PATHS are contract files or folders of them; without any, the whole folder of contracts is checked.
    Exit codes: 0 no finding, 1 findings, 2 a path cannot be read.
    """
    from control.contracts.lint import lint as check

    report = check(paths or (options.contracts_folder(),))
    if as_json:
        print_json({"ok": report.ok, "files": report.files, "findings": report.findings})
    else:
        _print_findings(report.findings)
        click.echo(f"{counted(len(report.files), 'contract')}, {counted(len(report.findings), 'finding')}")
    sys.exit(0 if report.ok else 1)


@command.command(
    epilog="""\b
Examples:
  dm contract sync
  dm contract sync --check
"""
)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 on a difference.")
@options.contracts
@click.option(
    "--models", "models_dir", type=click.Path(path_type=Path), default=Path("models"), show_default=True,
    help="Folder of dbt models.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
def sync(only_check: bool, folder: Path | None, models_dir: Path, as_json: bool) -> None:
    """Render the dbt files, the bronze columns and the list of captured tables from the contracts.

    This writes MODELS/sources.yml, one .yml per model that a contract describes, CONTRACTS/rendered, and the
    tables that AWS DMS captures, in the templates of an infra/ beside CONTRACTS. Rendered files without a
    contract are removed; files that are not marked as rendered are never touched.

    Exit codes: 0 done; 1 a contract has findings, a silver or gold model has no contract or reads a table
    that does not name it as a consumer, or (with --check) a file differs; 2 another file is in the way.
    """
    from control.contracts.lint import lint as check
    from control.contracts.sync import apply, plan, uncontracted, unnamed

    folder = folder or options.contracts_folder()
    report = check([folder])
    if not report.ok:
        if as_json:
            print_json({"ok": False, "changes": [], "findings": report.findings})
        else:
            _print_findings(report.findings)
            click.echo("nothing rendered: fix the contracts first", err=True)
        sys.exit(1)
    changes = plan(report.contracts, contracts_dir=folder, models_dir=models_dir)
    if not only_check:
        apply(changes)
    findings = (*uncontracted(report.contracts, models_dir), *unnamed(report.contracts, models_dir))
    ok = not findings and not (only_check and changes)
    if as_json:
        shown = [{"file": c.file, "action": c.action, "diff": c.diff} for c in changes]
        print_json({"ok": ok, "changes": shown, "findings": findings})
    else:
        _print_findings(findings)
        _print_changes(changes, only_check=only_check)
    sys.exit(0 if ok else 1)


def _print_findings(findings: "Sequence[Finding]") -> None:
    for f in findings:
        click.echo(f"{f.file}:{f.line}:{f.column}: {f.severity} {f.code}: {f.message}")


def _print_changes(changes: "Sequence[Change]", *, only_check: bool) -> None:
    written, removed = ("differs", "is stale") if only_check else ("written", "removed")
    words = {"write": written, "remove": removed}
    for change in changes:
        click.echo(f"{change.file}: {words[change.action]}")
        if only_check:
            click.echo("".join(f"  {line}\n" for line in change.diff.splitlines()), nl=False)
    if not only_check and any(c.action == "write" and "rendered/bronze/" in c.file for c in changes):
        click.echo("next: dm ingest run, which updates the bronze tables before the next build reads them")
    if not changes:
        click.echo("all rendered files are up to date")
    elif only_check:
        click.echo(f"{counted(len(changes), 'file')} to render: run dm contract sync")
