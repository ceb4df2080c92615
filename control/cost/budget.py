"""Hold each model to its budget: how much more than in the last build it may read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from control.cost.runs import Cost
from control.errors import NotFoundError, UsageError
from control.model import Finding

# Contracts state `budget: {scan: 1.5}`: at most 1.5 times the bytes of the last build.
SCAN = "scan"
DEFAULT_SCAN = 1.5
# Below this, a column that packs a little worse would be news.
_NOISE = 16 << 10
_ELSEWHERE = "name the workgroup that it ran in by --workgroup, or run dbt build first"


def last_build(file: Path) -> dict[str, int]:
    """Bytes of each model in the last build, from a file that `write` wrote.

    Raises NotFoundError, UsageError.
    """
    try:
        found: dict[str, int] = json.loads(file.read_text())["bytes"]
        return {str(model): int(count) for model, count in found.items()}
    except FileNotFoundError:
        raise NotFoundError(f"{file} does not exist", hint="dm cost check --write makes it") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{file} is not what dm cost check --write writes: {error!r}") from None


def write(file: Path, found: Sequence[Cost]) -> None:
    """Make these costs what the next build is compared with.

    Raises NotFoundError when no model is among them: a run of tests alone is no build.
    """
    models = {one.model: one.bytes for one in sorted(found, key=lambda one: one.model) if one.kind == "model"}
    if not models:
        raise NotFoundError("Athena remembers no statement of a model of the last run", hint=_ELSEWHERE)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"bytes": models}, indent=2) + "\n")


def budgets(manifest: Mapping[str, Any]) -> dict[str, float]:
    """How many times the bytes of the last build each model may read, by what its contract says."""
    return {
        node["name"]: float((node["config"].get("meta", {}).get("budget") or {}).get(SCAN, DEFAULT_SCAN))
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }


def check(found: Sequence[Cost], last: Mapping[str, int], allowed: Mapping[str, float]) -> list[Finding]:
    """An error for each model that read more than its budget, a warning for one without a last build.

    Raises NotFoundError without any cost: every run asks something, so the question went to the wrong place.
    """
    if not found:
        raise NotFoundError("Athena remembers no statement of the last run", hint=_ELSEWHERE)
    findings = []
    for one in found:
        if one.kind != "model":
            continue
        if one.model not in last:
            message = f"it read {one.bytes:,} bytes, unknown to the last build: dm cost check --write"
            findings.append(Finding("cost-unknown", "warning", one.model, message))
            continue
        before, factor = last[one.model], allowed.get(one.model, DEFAULT_SCAN)
        if one.bytes > max(before * factor, before + _NOISE):
            times = one.bytes / max(before, 1)
            message = (
                f"it read {one.bytes:,} bytes, {times:.2f} times the {before:,} of the last build, where its"
                f" contract allows {factor:g}. Let it read less, or raise budget.scan in the contract, or"
                " make this the last build: dm cost check --write"
            )
            findings.append(Finding("cost-over-budget", "error", one.model, message))
    return findings
