"""Compare tables with a full recompute, through a dbt run that stages the differences and merges nothing."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from control.errors import NotFoundError, UpstreamError, UsageError

_NOTHING = "There is nothing to compare with"
_DIFFERS = "is not what a full recompute gives"
_UNREACHABLE = "Could not connect to the endpoint URL"
_BREAKS = "has rows that break its contract"


@dataclass(frozen=True, slots=True)
class Compared:
    """The result for one table. `message` says how many rows differ, or break which rule."""

    model: str
    result: Literal["same", "differs", "breaks its contract"]
    message: str = ""


def reconcile(
    select: Sequence[str], *, dbt: Path, profiles: Path, target: str | None = None
) -> list[Compared]:
    """Recompute the selected incremental models in full, compare them with their tables, and check all rows.

    Raises NotFoundError if a table was never built. Raises UsageError if dbt refuses its command line, the
    profile or the project, or if a selection looks like an option of dbt. Raises UpstreamError if a model
    fails for any reason other than a difference, or the cloud cannot be reached.
    """
    if options := [one for one in select if one.startswith("-")]:  # HTTP clients may not pass options to dbt
        raise UsageError(f"{options[0]} selects no table", hint="name models, or what dbt's --select takes")
    with tempfile.TemporaryDirectory(prefix="dm-reconcile-") as folder:
        arguments = ["--select", *select, "--exclude", "config.materialized:view"]
        arguments += ["--vars", "reconcile: true", "--profiles-dir", str(profiles)]
        arguments += ["--target-path", f"{folder}/target", "--log-path", f"{folder}/logs"]
        arguments += [f"--target={target}"] if target else []
        try:
            done = subprocess.run(
                [str(dbt), "--no-use-colors", "run", *arguments], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            raise UsageError(f"{dbt} does not exist", hint="make setup installs dbt") from None
        results = Path(folder) / "target" / "run_results.json"
        if done.returncode == 2 or not results.exists():
            said = _last_words(done.stdout + done.stderr)  # click writes errors about options to stderr
            if said.startswith(_NOTHING):
                raise NotFoundError(said, hint="dbt build makes them; name other models to leave them out")
            kind = UpstreamError if _UNREACHABLE in said else UsageError
            raise kind(f"dbt did not run: {said}")
        return [
            _compared(result) for result in json.loads(results.read_text())["results"] if _is_model(result)
        ]


def _is_model(result: dict[str, str]) -> bool:
    return result["unique_id"].startswith("model.")


def _compared(result: dict[str, str]) -> Compared:
    # A versioned model has its version after its name.
    model, message = ".".join(result["unique_id"].split(".")[2:]), result.get("message") or ""
    if result["status"] == "success":
        return Compared(model, "same")
    if _DIFFERS in message:
        return Compared(model, "differs", _told(message))
    if _BREAKS in message:
        return Compared(model, "breaks its contract", _told(message))
    if result["status"] == "skipped":
        return Compared(model, "differs", "not compared, because a table that it reads differs or failed")
    raise UpstreamError(f"{model} could not be compared: {_told(message)}", hint="see the log of dbt run")


def _told(message: str) -> str:
    """The text of a compiler error, without the model and call stack that dbt puts around it."""
    lines = [line.strip() for line in message.splitlines()]
    kept = [line for line in lines[1:] if line and not line.startswith(">")]
    return " ".join(kept) or message.strip()


def _last_words(output: str) -> str:
    """The last message of dbt, without the macro call stack."""
    after = output.rpartition("Encountered an error:")[2]
    lines = [line.strip() for line in after.splitlines()[-4:]]
    return " ".join(line for line in lines if line and not line.startswith(">"))
