"""Parameter values from files and the command line, checked against the templates before any call."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from control.deploy.template import Template
from control.errors import NotFoundError, UsageError

Declared = Mapping[str, Any]
# Pairs of parameters of which the first must not be above the second.
ORDERED = (("SourceMinAcu", "SourceMaxAcu"),)


def declared(templates: Mapping[str, Template]) -> dict[str, Declared]:
    """Return the parameters of all templates, by name. Raises UsageError if two declare one differently."""
    found: dict[str, Declared] = {}
    for template in templates.values():
        for name, one in template.parameters.items():
            if found.setdefault(name, one) != one:
                raise UsageError(f"{name} is declared in two ways; {template.name} has one of them")
    return found


def of_environment(infra: Path, environment: str) -> dict[str, str]:
    """Read the values of an environment, which override the project's. Raises NotFoundError, UsageError."""
    known = sorted(file.stem for file in (infra / "params").glob("*.yaml"))
    if known and environment not in known:
        raise NotFoundError(
            f"there is no environment {environment!r} in {infra}/params", hint=f"one of {', '.join(known)}"
        )
    return read(infra / "project.yaml") | read(infra / "params" / f"{environment}.yaml")


def read(file: Path) -> dict[str, str]:
    """Read the values in a flat YAML file. Raises NotFoundError, UsageError."""
    try:
        content = yaml.safe_load(file.read_text())
    except FileNotFoundError:
        raise NotFoundError(
            f"{file} does not exist", hint="name the folder with --infra, or the file"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not YAML: {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{file} is not a list of names and values")
    for name, value in content.items():
        if isinstance(value, dict | list) or value is None:
            raise UsageError(f"{file}: {name} is not a text or a number")
    return {str(name): _text(value) for name, value in content.items()}


def overrides(settings: Iterable[str]) -> dict[str, str]:
    """Parse `Name=value` texts. Raises UsageError if a name or the equals sign is missing."""
    found = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {setting} is not Name=value", hint="for example --set StreamShards=4")
        found[name] = value
    return found


def judge(values: Mapping[str, str], known: Mapping[str, Declared]) -> None:
    """Raise a UsageError that names every value that is out of bounds, unknown or missing."""
    problems = [
        f"{name}: there is no such parameter{_nearest(name, known)}" for name in values if name not in known
    ]
    for name, one in known.items():
        if name not in values and "Default" not in one:
            problems.append(f"{name}: has no value. {one.get('Description', '')}")
        elif problem := problem_of(values.get(name, _text(one.get("Default"))), one):
            problems.append(f"{name}={values.get(name)}: {problem}. {one.get('Description', '')}".rstrip())
    if not problems:
        complete = {name: values.get(name, _text(one.get("Default"))) for name, one in known.items()}
        problems = list(disordered(complete))
    if problems:
        raise UsageError(
            "the parameters cannot be used, and nothing was called:\n"
            + "\n".join(f"  {p}" for p in problems),
            hint="correct the file of the environment, or --set",
        )


def problem_of(value: str, one: Declared) -> str:
    """Return what is wrong with a value; empty if it is within its bounds."""
    allowed = [_text(item) for item in one.get("AllowedValues", ())]
    if allowed:
        return "" if value in allowed else f"must be one of {', '.join(allowed)}"
    if one["Type"] == "Number":
        return _problem_of_number(value, one)
    if "AllowedPattern" in one and not re.fullmatch(one["AllowedPattern"], value):
        return f"does not match {one['AllowedPattern']}"
    return ""


def _problem_of_number(value: str, one: Declared) -> str:
    least, most = _text(one.get("MinValue")), _text(one.get("MaxValue"))
    allowed = f"it may be {least} to {most}"
    if not re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,10})?", value):
        return f"is not a number; {allowed}"
    number, step = float(value), step_of(one)
    if "MinValue" in one and number < one["MinValue"]:
        return f"is below {least}; {allowed}"
    if "MaxValue" in one and number > one["MaxValue"]:
        return f"is above {most}; {allowed}"
    if number % step:
        return f"is not a {'whole number' if step == 1 else f'multiple of {step}'}; {allowed}"
    return ""


def step_of(one: Declared) -> float:
    """Return the step of a number: 1, unless its minimum is a fraction, such as 0.5."""
    least = float(one.get("MinValue", 1))
    return 1.0 if least.is_integer() else least


def disordered(values: Mapping[str, str]) -> Iterator[str]:
    """Yield contradictions between values that are each within their bounds."""
    for low, high in ORDERED:
        if low in values and high in values and float(values[low]) > float(values[high]):
            yield f"{low}={values[low]}: is above {high}={values[high]}"


def of_template(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    """Return a value for every parameter of a template: the given one, else its default."""
    return {
        name: values.get(name, _text(one.get("Default"))) for name, one in sorted(template.parameters.items())
    }


def _nearest(name: str, known: Mapping[str, Declared]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    return f", did you mean {near[0]}?" if near else ""


def _text(value: object) -> str:
    """Return a value as CloudFormation expects it: 4, not 4.0; true, not True."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
