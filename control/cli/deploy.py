"""`dm deploy`: create, update, inspect and delete the stacks of an environment."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from control.cli.deploy_context import (
    archives,
    open_context,
    progress_to_stderr,
    refuse_idle_capture,
    stack_settings,
    upload,
    with_packages,
    write,
)
from control.cli.deploy_output import print_costs, print_plan, print_removals, print_states
from control.cli.output import counted, print_json
from control.deploy import apply, packages, prices, states
from control.errors import NotFoundError, UsageError

Command = Callable[..., Any]


def _shared(command: Command) -> Command:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print as JSON."),
        click.option(
            "--infra",
            type=click.Path(path_type=Path),
            default=Path("infra"),
            show_default=True,
            help="Folder with project.yaml, templates/ and params/.",
        ),
        click.argument("names", nargs=-1, metavar="[STACK]..."),
        click.argument("environment"),
    ):
        command = option(command)
    return command


def _values(command: Command) -> Command:
    command = click.option(
        "--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Override a value of the files."
    )(command)
    return click.option(
        "--params",
        "extra",
        type=click.Path(path_type=Path),
        help="Another file of values, which override those of the environment.",
    )(command)


@click.group("deploy")
def command() -> None:
    """Create, update or delete the stacks that infra/ describes in an AWS account.

    ENVIRONMENT names a file in infra/params, whose values override those of infra/project.yaml. If STACKs are
    named, a command applies only to them and to the stacks that they need. Every command can be run again
    after any interruption.
    """


@command.command(epilog="Example: dm deploy plan dev --set StreamShards=4")
@_shared
@_values
def plan(
    environment: str,
    names: tuple[str, ...],
    infra: Path,
    as_json: bool,
    extra: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Show what `apply` would change, replace and remove, and estimate the monthly cost. Changes nothing.

    Exit codes: 0 fine, 1 a change would replace or remove a resource that holds data, 2 a value is out of
    bounds, 3 AWS failed.
    """
    context = open_context(environment, names, infra, extra, overrides)
    refuse_idle_capture(context)
    found = list(apply.plan(context.environment, context.stacks))
    lines = prices.estimate(
        context.environment.chosen_templates.values(),
        context.environment.values,
        prices.read(infra / "prices.yaml"),
    )
    if as_json:
        print_json({"stacks": found, "costs": lines, "dollars_a_month": prices.total(lines)})
    else:
        print_plan(found, environment)
        print_costs(lines)
    sys.exit(1 if any(one.refused for one in found) else 0)


@command.command("apply", epilog="Example: dm deploy apply dev --control-zip dist/lambda/control-*.zip --yes")
@_shared
@_values
@click.option(
    "--control-zip",
    type=click.Path(path_type=Path),
    help="Archive of the Lambda functions [default: the deployed one].",
)
@click.option(
    "--spark-runtime",
    type=click.Path(path_type=Path),
    help="Archive of the libraries for Spark on EMR [default: the deployed one].",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--allow-replace",
    "allowed",
    multiple=True,
    metavar="STACK.RESOURCE",
    help="Allow this resource, which holds data, to be replaced or removed.",
)
@click.option(
    "--write",
    "written",
    type=click.Path(path_type=Path),
    help="File for the settings of dm and dbt [default: .dm/deploy/ENVIRONMENT.env].",
)
def apply_command(
    environment: str,
    names: tuple[str, ...],
    infra: Path,
    as_json: bool,
    extra: Path | None,
    overrides: tuple[str, ...],
    control_zip: Path | None,
    spark_runtime: Path | None,
    yes: bool,
    allowed: tuple[str, ...],
    written: Path | None,
) -> None:
    """Create or update each stack, whatever state it is in, and write the settings for dm and dbt.

    A stack is not changed if that would replace or remove a resource that holds data, unless --allow-replace
    names it. Exit codes: 0 done, 2 refused, 3 a stack failed; the message names the cause.
    """
    given = [packages.control(control_zip)] if control_zip else []
    given += [packages.spark_runtime(spark_runtime)] if spark_runtime else []
    context = open_context(environment, names, infra, extra, overrides, given)
    refuse_idle_capture(context)
    built = [*given, *archives(context)]
    context = with_packages(context, built)
    _confirm(yes, f"Apply {', '.join(context.environment.chosen)} to {environment}?")
    say = progress_to_stderr(as_json)

    def before(name: str) -> None:
        for archive in built:
            if archive.parameter in context.environment.templates[name].parameters:
                upload(archive.objects, context, say)

    changed = apply.apply(
        context.environment, context.stacks, context.clock, say, before=before, allowed=frozenset(allowed)
    )
    target = written or Path(f".dm/deploy/{environment}.env")
    found = stack_settings(context)
    write(found, target)
    if as_json:
        print_json({"changed": changed, "settings": found, "written": str(target)})
        return
    click.echo(f"{len(changed)} of {len(context.environment.chosen)} stacks changed")
    click.echo(f"settings for dm and dbt are in {target}: source it")


@command.command(epilog="Example: dm deploy status prod")
@_shared
def status(environment: str, names: tuple[str, ...], infra: Path, as_json: bool) -> None:
    """Show the state of each stack and the reason for it; with --json, also the settings for dm and dbt.

    Exit codes: 0 fine, 1 a stack is not usable, or a named one or all of them do not exist.
    """
    context = open_context(environment, names, infra)
    rows = []
    for name in context.environment.chosen:
        seen = context.stacks.get(context.environment.stack_name(name))
        state = seen.status if seen else "ABSENT"
        rows.append(
            {
                "stack": name,
                "state": state,
                "next": states.next_step(seen.status if seen else None),
                "reason": seen.reason if seen else "",
            }
        )
    if as_json:
        print_json({"stacks": rows, "settings": stack_settings(context)})
    else:
        print_states(rows)
    # Not every environment has all stacks: an absent one is an error only if it was named.
    expected = [row for row in rows if names or row["state"] != "ABSENT"]
    sys.exit(0 if expected and all(row["next"] == "update" for row in expected) else 1)


@command.command(epilog="Example: dm deploy drift prod --json")
@_shared
def drift(environment: str, names: tuple[str, ...], infra: Path, as_json: bool) -> None:
    """Show resources that were changed outside of CloudFormation.

    Exit codes: 0 no drift, 1 a resource differs from its template, 2 a named stack or all of them do not
    exist.
    """
    context = open_context(environment, names, infra)
    found = {}
    for name in context.environment.chosen:
        whole = context.environment.stack_name(name)
        if context.stacks.get(whole) is not None:
            found[name] = context.stacks.drift(whole)
    absent = [name for name in context.environment.chosen if name not in found]
    if absent and (names or not found):
        # Not success: this may be the wrong region or account.
        where = f"{environment} in {context.settings.region}"
        raise NotFoundError(
            f"these stacks of {where} do not exist: {', '.join(absent)}",
            hint=f"dm deploy status {environment}; check AWS_REGION",
        )
    if as_json:
        print_json(found)
    for name, drifts in {} if as_json else found.items():
        for one in drifts:
            click.echo(f"{name}.{one.logical} ({one.type}): {one.status.lower()}")
            for path, expected, actual in one.differences:
                click.echo(f"  {path}: {actual}, not {expected}")
    count = sum(len(drifts) for drifts in found.values())
    if not as_json:
        click.echo(f"{counted(len(found), 'stack')} compared; resources that differ: {count}")
        if count:
            click.echo("  try: revert it by hand, or put it into the template and apply", err=True)
    sys.exit(1 if count else 0)


@command.command(epilog="Example: dm deploy destroy dev   (buckets, tables and keys stay)")
@_shared
@click.option(
    "--delete-data", is_flag=True, help="Also delete buckets, tables and keys, with everything in them."
)
@click.option(
    "--confirm", metavar="NAME", help="With --delete-data: the environment's full name, PROJECT-ENVIRONMENT."
)
@click.option("--yes", is_flag=True, help="Do not ask if no data is deleted.")
def destroy(
    environment: str,
    names: tuple[str, ...],
    infra: Path,
    as_json: bool,
    delete_data: bool,
    confirm: str | None,
    yes: bool,
) -> None:
    """Delete stacks, dependents first. Resources that hold data stay, unless --delete-data is given.

    The next `apply` adopts what stayed. The stack with the KMS keys stays as well, because keys have no name
    by which `apply` could find them. Exit codes: 0 done, 1 something could not be deleted, 2 refused, 3 a
    stack failed.
    """
    context = open_context(environment, names, infra, needs=False)
    removals = list(apply.removals(context.environment, context.stacks, with_data=delete_data))
    print_removals(removals, context.environment.templates, with_data=delete_data)
    whole = f"{context.environment.values['Project']}-{context.environment.values['Environment']}"
    if delete_data:
        _confirm_name(whole, confirm)
    else:
        _confirm(yes, f"Delete these stacks of {whole}?")
    left = apply.destroy(
        removals,
        context.environment,
        context.stacks,
        context.clock,
        progress_to_stderr(as_json),
        with_data=delete_data,
    )
    gone = [one.name for one in removals if one.goes]
    if as_json:
        print_json({"deleted": gone, "left": left})
    else:
        click.echo(f"{counted(len(gone), 'stack')} deleted" + (f"; left: {', '.join(left)}" if left else ""))
    sys.exit(1 if left else 0)


def _confirm(yes: bool, question: str) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("stdin is not a terminal, so nothing was changed", hint="add --yes")
    click.confirm(question, abort=True, err=True)


def _confirm_name(whole: str, given: str | None) -> None:
    if given is None and sys.stdin.isatty():
        given = click.prompt(
            f"This deletes data. Type {whole} to continue", default="", show_default=False, err=True
        )
    if given != whole:
        raise UsageError(
            "data is only deleted if the environment's full name is given; nothing was changed",
            hint=f"--confirm {whole}",
        )
