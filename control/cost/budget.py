"""Hold each model to its budget: how much more than in the last build it may read."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from control.cost.runs import Cost
from control.errors import NotFoundError, UsageError
from control.model import Finding
from control.serialization import NOT_JSON

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
        found: dict[str, int] = msgspec.json.decode(file.read_bytes())["bytes"]
        return {str(model): int(count) for model, count in found.items()}
    except FileNotFoundError:
        raise NotFoundError(
            f"{file} does not exist", hint=f"dm cost check --last {file} --write makes it"
        ) from None
    except (*NOT_JSON, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{file} is not what dm cost check --write writes: {error!r}",
            hint="remove it, and write it after a build of all models",
        ) from None


def write(file: Path, found: Sequence[Cost], project: Collection[str]) -> int:
    """Make these costs what the next build is compared with, and say of how many models.

    Models of the `project` that the run left out keep the bytes that the file has: builds with --select or
    after a failure are partial. Raises NotFoundError when no model is among the costs, for a run of tests
    alone is no build, and UsageError for a file that `write` did not write.
    """
    models = {one.model: one.bytes for one in found if one.kind == "model"}
    if not models:
        raise NotFoundError("Athena remembers no statement of a model of the last run", hint=_ELSEWHERE)
    before = last_build(file) if file.exists() else {}
    kept = {model: count for model, count in before.items() if model in project}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"bytes": kept | models}, indent=2, sort_keys=True) + "\n")
    return len(models)


def budgets(manifest: Mapping[str, Any]) -> dict[str, float]:
    """How many times the bytes of the last build each model may read, by what its contract says.

    Raises UsageError for a budget that is none.
    """
    return {
        node["name"]: _budget(node["name"], (node["config"].get("meta") or {}).get("budget") or {})
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }


def _budget(model: str, stated: Any) -> float:
    try:
        return float(stated.get(SCAN, DEFAULT_SCAN))
    except (AttributeError, TypeError, ValueError):
        hint = "state budget: {scan: 1.5} in its contract, then: dm contract sync"
        raise UsageError(f"the budget of {model} is {stated!r}", hint=hint) from None


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
