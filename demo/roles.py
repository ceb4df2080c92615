"""Run the demo with the roles of the deployment: its stacks on the local cloud, and a session per role."""

import json
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from demo.steps import ROOT, Steps

ENVIRONMENT, PROJECT = "dev", "beer"
# The roles of the steps; the analyst reads the results.
ROLES = ("engineer", "ingest", "dbt", "analyst")
EXPORT = re.compile(r"^export (\w+)=(.*)$", re.MULTILINE)


def deploy(steps: Steps, folder: str) -> None:
    """Deploy the stacks of dev that the demo needs, and use its roles and settings for later steps."""
    archive = ROOT / f"{folder}-functions.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("README", "No function runs on the local cloud: this one stands for the archive.")
    apply = ("dm", "deploy", "apply", ENVIRONMENT, "catalog", "control", "--yes")
    files = ("--control-zip", str(archive), "--write", str(settings_file(folder)))
    steps.run("deploy the stacks of dev", *apply, *files)
    take(steps, folder, ROLES)


def settings_file(folder: str) -> Path:
    """Return the file to which the deployment writes its settings."""
    return ROOT / f"{folder}-settings.env"


def take(steps: Steps, folder: str, names: Sequence[str]) -> None:
    """Give the steps the deployment's settings, and a session for each of these roles."""
    steps.env = {**steps.env, **dict(EXPORT.findall(settings_file(folder).read_text()))}
    for role in names:
        taken = steps.run_quietly("dm", "env", "--dir", folder, "--role", name(role), "--json")
        steps.roles[role] = json.loads(taken)
    if "analyst" in names:
        # Analysts have a workgroup of their own, with a limit on bytes read.
        steps.roles["analyst"] = {**steps.roles["analyst"], "DM_WORKGROUP": name("analyst")}


def name(role: str) -> str:
    """Return the full name of a role."""
    return f"{PROJECT}-{ENVIRONMENT}-{role}"


def show(console: Console, steps: Steps, folder: str) -> None:
    """Print how many permissions each role used, and how many requests were refused."""
    calls: list[dict[str, Any]] = json.loads(
        steps.run_quietly("dm", "local", "calls", "--dir", folder, "--json")
    )
    asked, refused = Counter[str](), Counter[str]()
    for one in calls:
        asked[one["role"]] += one["times"]
        refused[one["role"]] += one["refused"]
    for role, times in sorted(asked.items()):
        actions = len({one["action"] for one in calls if one["role"] == role})
        console.print(f"  {role}: {times:,} rights asked for, {actions} actions, {refused[role]} refused")
