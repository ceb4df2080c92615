"""Turn stack outputs into settings for `dm` and dbt: an output's description is the variable's name."""

import shlex
from collections.abc import Iterable, Mapping

from control.deploy.template import SETTING_PREFIX
from control.stacks import SeenStack


def of(stacks: Iterable[SeenStack], region: str) -> dict[str, str]:
    """Return the value of each variable, from the outputs that name one."""
    told = {
        output.description: output.value
        for stack in stacks
        for output in stack.outputs
        if output.description.startswith(SETTING_PREFIX)
    }
    return {"AWS_REGION": region, **dict(sorted(told.items()))}


def exports(settings: Mapping[str, str]) -> str:
    """Return settings as `export` lines for a shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
