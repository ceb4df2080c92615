"""The endpoints of the API: commands of `dm`, with the same words, options and arguments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import click

from control.cli.main import dm
from control.errors import UsageError

Method = Literal["GET", "POST"]
Kind = Literal["boolean", "integer", "number", "string", "array"]

# GET changes nothing, POST may. Commands that concern one machine (its local cloud, files or key) or that ask
# for confirmation (deployment) are left out: run `dm` there.
COMMANDS: Mapping[str, Method] = {
    "status": "GET",
    "files list": "GET",
    "files show": "GET",
    "files redrive": "POST",
    "quarantine list": "GET",
    "quarantine show": "GET",
    "quarantine held": "GET",
    "quarantine replay": "POST",
    "quarantine waive": "POST",
    "ingest run": "POST",
    "ingest replay": "POST",
    "ingest sweep": "POST",
    "doctor": "GET",
    "reconcile": "POST",
    "cost show": "GET",
    "cost record": "POST",
    "contract drift": "GET",
    "lineage show": "GET",
    "lineage impact": "GET",
    "maintain plan": "GET",
    "maintain run": "POST",
    "maintain free": "POST",
    "retention plan": "GET",
    "retention run": "POST",
}
# Responses are JSON anyway, and refused lines, which may be personal, are not shown over a network.
WITHHELD = frozenset({"json", "raw"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """An option or, where `option` is empty, an argument of a command."""

    name: str
    kind: Kind
    option: str
    required: bool
    choices: tuple[str, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One command. `words` are how a shell would call it."""

    words: tuple[str, ...]
    method: Method
    summary: str
    help: str
    parameters: tuple[Parameter, ...]

    @property
    def path(self) -> str:
        """`/files/list` for `dm files list`."""
        return "/" + "/".join(self.words)

    def argv(self, values: Mapping[str, object]) -> list[str]:
        """Return the command line for `values`, none of which can be mistaken for an option.

        Raises UsageError for an unknown name or a wrong type; the command checks the rest.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        if unknown := sorted(values.keys() - known.keys()):
            raise UsageError(
                f"{self.path} has no parameter {unknown[0]}",
                hint=f"its parameters: {', '.join(known) or 'none'}",
            )
        given = [(known[name], value) for name, value in values.items() if value is not None]
        options = [
            word for parameter, value in given if parameter.option for word in _option(parameter, value)
        ]
        arguments = [
            word
            for parameter in self.parameters
            if not parameter.option
            for word in _texts(parameter, values.get(parameter.name))
        ]
        return [*self.words, "--json", *options, "--", *arguments]


@cache
def endpoints() -> Mapping[str, Endpoint]:
    """Return all endpoints by their paths."""
    found = [_endpoint(words, method) for words, method in COMMANDS.items()]
    return {endpoint.path: endpoint for endpoint in found}


def _endpoint(name: str, method: Method) -> Endpoint:
    words = tuple(name.split())
    command = _command(words)
    text = (command.help or "").split("\b")[0].strip()
    summary = text.split("\n\n")[0].replace("\n", " ")
    return Endpoint(words, method, summary, text, tuple(_parameters(command)))


def _command(words: tuple[str, ...]) -> click.Command:
    command: click.Command = dm
    context = click.Context(dm)
    for word in words:
        found = command.get_command(context, word) if isinstance(command, click.Group) else None
        if found is None:
            raise LookupError(f"dm has no command {' '.join(words)}")
        command = found
    return command


def _parameters(command: click.Command) -> Iterator[Parameter]:
    """Yield the parameters, except those that name a file, which would be one of the server."""
    for found in command.params:
        if isinstance(found.type, click.Path | click.File):
            continue
        if isinstance(found, click.Argument):
            kind: Kind = "array" if found.nargs == -1 else "string"
            yield Parameter(
                found.name or "", kind, "", found.required, (), found.make_metavar(click.Context(command))
            )
        elif isinstance(found, click.Option):
            option = max(found.opts, key=len)
            name = option.removeprefix("--").replace("-", "_")
            if name not in WITHHELD:
                choices = tuple(found.type.choices) if isinstance(found.type, click.Choice) else ()
                yield Parameter(name, _kind(found), option, found.required, choices, found.help or "")


def _kind(option: click.Option) -> Kind:
    if option.is_flag:
        return "boolean"
    if isinstance(option.type, click.IntRange | click.types.IntParamType):
        return "integer"
    if isinstance(option.type, click.FloatRange | click.types.FloatParamType):
        return "number"
    return "array" if option.multiple else "string"


def _option(parameter: Parameter, value: object) -> list[str]:
    if parameter.kind == "boolean":
        if str(value).lower() not in ("true", "false"):
            raise UsageError(f"{parameter.name} must be true or false")
        return [parameter.option] if str(value).lower() == "true" else []
    return [f"{parameter.option}={text}" for text in _texts(parameter, value)]


def _texts(parameter: Parameter, value: object) -> list[str]:
    values = [] if value is None else list(value) if isinstance(value, list) else [value]
    if len(values) > 1 and parameter.kind != "array":
        raise UsageError(f"{parameter.name} takes one value, not {len(values)}")
    if any(
        isinstance(one, bool) or not isinstance(one, str | int | float) or "\0" in str(one) for one in values
    ):
        raise UsageError(f"{parameter.name} must be text or a number")
    return [str(one) for one in values]
