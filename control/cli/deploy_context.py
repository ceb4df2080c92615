"""Shared by the commands of `dm deploy`: checked values, packages, settings."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from control.cli.deploy_output import progress
from control.config import Settings
from control.deploy import order, packages, parameters, settings, template
from control.deploy.apply import Environment
from control.errors import NotFoundError, UsageError
from control.ports import Clock, ObjectStore, Say
from control.stacks import Stacks
from control.wiring import deployment

UNKNOWN = {
    "ControlCodeKey": f"control/{'0' * 64}.zip",
    "ProjectCodeKey": f"project/{'0' * 64}.zip",
    "SparkCodePrefix": f"spark/{'0' * 64}",
    "SparkRuntimeKey": f"spark/runtime-{'0' * 64}.tar.gz",
}
# Archives that are built separately, since that needs a package index: parameter, purpose, and how to give
# them.
ARCHIVES = (
    (
        "ControlCodeKey",
        "the functions",
        "run make lambda-package and name the archive with --control-zip;"
        " or apply other stacks only, such as `storage catalog`",
    ),
    (
        "SparkRuntimeKey",
        "the libraries of Spark on EMR",
        "run make spark-runtime and name the archive with --spark-runtime; or --set Spark=glue",
    ),
)


@dataclass(frozen=True)
class Context:
    """What every subcommand needs."""

    environment: Environment
    settings: Settings
    stacks: Stacks
    objects: ObjectStore
    clock: Clock


def open_context(
    environment: str,
    names: tuple[str, ...],
    infra: Path,
    extra: Path | None = None,
    overrides: tuple[str, ...] = (),
    built: Sequence[packages.Package] = (),
    *,
    needs: bool = True,
) -> Context:
    """Read and check templates and values, before any call that changes something.

    `built` are existing packages; without `needs`, the stacks that `names` depend on are not included.
    """
    templates = template.read(infra / "templates")
    known = parameters.declared(templates)
    values = parameters.of_environment(infra, environment)
    values |= parameters.read(extra) if extra else {}
    values |= parameters.overrides(overrides)
    values |= _values(built)
    parameters.judge({**UNKNOWN, **values}, known)
    chosen = order.with_needs(names, templates) if needs or not names else names
    for name in names:
        order.with_needs([name], templates)
    context = Context(Environment(templates, values, chosen), *deployment(os.environ))
    return with_packages(context, ())


def with_packages(context: Context, built: Sequence[packages.Package]) -> Context:
    """Return `context` with the values of these packages; for others, the deployed values are kept."""
    values = {**context.environment.values, **_values(built)}
    for name, chosen in context.environment.chosen_templates.items():
        lacking = [one for one in chosen.parameters if one in UNKNOWN and one not in values]
        seen = context.stacks.get(context.environment.stack_name(name)) if lacking else None
        values |= {one: seen.parameters[one] for one in lacking if seen and one in seen.parameters}
    return replace(context, environment=replace(context.environment, values={**UNKNOWN, **values}))


def _values(built: Iterable[packages.Package]) -> dict[str, str]:
    return {one.parameter: one.value for one in built}


def refuse_idle_capture(context: Context) -> None:
    """Raise UsageError if a change capture stack is to be applied but no contract names a table for it."""
    chosen = context.environment.chosen_templates
    idle = [name for name, one in chosen.items() if template.captures_nothing(one)]
    if idle:
        raise UsageError(
            f"the stack {idle[0]} would capture no table, so nothing was changed: no bronze contract has"
            " change records of AWS DMS (position: lsn, records: change)",
            hint=f"name the stacks to apply, without {idle[0]}; if a contract is new, run dm contract sync",
        )


def archives(context: Context) -> list[packages.Package]:
    """Build the packages that the stacks to be applied need and that can be built here."""
    wanted = {one for chosen in context.environment.chosen_templates.values() for one in chosen.parameters}
    values = context.environment.values
    for parameter, what, how in ARCHIVES:
        needed = parameter in wanted and (parameter != "SparkRuntimeKey" or values["Spark"] == "emr")
        if needed and values[parameter] == UNKNOWN[parameter]:
            raise UsageError(f"{what} have no archive yet, so nothing was changed", hint=how)
    built = [packages.project(Path())] if "ProjectCodeKey" in wanted else []
    return [*built, packages.spark()] if "SparkCodePrefix" in wanted else built


def upload(objects: Mapping[str, bytes], context: Context, say: Say) -> None:
    """Upload the objects that do not exist yet; keys are derived from content, so existing ones match."""
    seen = context.stacks.get(context.environment.stack_name("storage"))
    bucket = next(one.value for one in (seen.outputs if seen else ()) if one.name == "CodeBucket")
    for key, content in objects.items():
        uri = f"s3://{bucket}/{key}"
        try:
            with context.objects.open(uri):
                say("package.known", {"key": key})
        except NotFoundError:
            context.objects.put(uri, content)
            say("package.uploaded", {"key": key, "size_bytes": len(content)})


def stack_settings(context: Context) -> dict[str, str]:
    """Return the settings for dm and dbt, from the outputs of all stacks of the environment."""
    every = order.order(context.environment.templates)
    seen = [context.stacks.get(context.environment.stack_name(name)) for name in every]
    return settings.of([one for one in seen if one is not None], context.settings.region)


def write(found: Mapping[str, str], target: Path) -> None:
    """Write settings for a shell to source."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(settings.exports(found))


def progress_to_stderr(as_json: bool) -> Say:
    """Return a function that writes progress to stderr: one line per event, JSON unless for a terminal."""

    def say(event: str, fields: Mapping[str, object]) -> None:
        if as_json or not sys.stderr.isatty():
            text = json.dumps({"event": event, **fields}, default=str)
        else:
            text = progress(event, fields)
        click.echo(text, err=True)

    return say
