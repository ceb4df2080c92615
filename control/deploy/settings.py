"""Outputs of stacks as the settings that `dm` and dbt read: the output names its variable."""

import shlex
from collections.abc import Iterable, Mapping

from control.deploy.template import SETTING_PREFIX
from control.stacks import SeenStack


def of(stacks: Iterable[SeenStack], region: str) -> dict[str, str]:
    """Variable -> value, of all outputs that name one."""
    told = {
        output.description: output.value
        for stack in stacks
        for output in stack.outputs
        if output.description.startswith(SETTING_PREFIX)
    }
    return {"AWS_REGION": region, **dict(sorted(told.items()))}


def exports(settings: Mapping[str, str]) -> str:
    """Settings as lines that a shell reads."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
