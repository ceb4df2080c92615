"""Check each model against its budget: how much more than in the last build it may read."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from control.cost.runs import Cost
from control.errors import NotFoundError, UsageError
from control.model import Finding
from control.serialization import NOT_JSON

# `budget: {scan: 1.5}` in a contract allows 1.5 times the bytes of the last build.
SCAN = "scan"
DEFAULT_SCAN = 1.5
# Smaller differences are ignored: a column that compresses slightly worse is not a finding.
_NOISE = 16 << 10
_ACCEPT = "dm cost check --last FILE --write"
_ELSEWHERE = "name the workgroup that it ran in with --workgroup, or run dbt build first"


def last_build(file: Path) -> dict[str, int]:
    """Read the bytes of each model in the last build from a file that `write` wrote.

    Raises NotFoundError, UsageError.
    """
    try:
        found: dict[str, int] = msgspec.json.decode(file.read_bytes())["bytes"]
        return {str(model): int(count) for model, count in found.items()}
    except FileNotFoundError:
        raise NotFoundError(
            f"{file} does not exist", hint=f"dm cost check --last {file} --write creates it"
        ) from None
    except (*NOT_JSON, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{file} is not what dm cost check --write writes: {error!r}",
            hint="delete it, and write it again after a build of all models",
        ) from None


def write(file: Path, found: Sequence[Cost], project: Collection[str]) -> int:
    """Write these costs as the baseline for the next build; return the number of models written.

    Models of the `project` that the run left out keep their bytes in the file, because builds with --select
    or after a failure are partial. Raises NotFoundError if the costs include no model, as in a run of tests
    only, and UsageError if `write` did not write the existing file.
    """
    models = {one.model: one.bytes for one in found if one.kind == "model"}
    if not models:
        raise NotFoundError("Athena's history has no statement of a model of the last run", hint=_ELSEWHERE)
    before = last_build(file) if file.exists() else {}
    kept = {model: count for model, count in before.items() if model in project}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"bytes": kept | models}, indent=2, sort_keys=True) + "\n")
    return len(models)


def budgets(manifest: Mapping[str, Any]) -> dict[str, float]:
    """Return the factor of the last build's bytes that each model may read, from its contract.

    Raises UsageError for an invalid budget.
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
    """Return an error for each model over its budget, and a warning for each without a baseline.

    Raises NotFoundError if there are no costs: every run issues statements, so the workgroup must be wrong.
    """
    if not found:
        raise NotFoundError("Athena's history has no statement of the last run", hint=_ELSEWHERE)
    findings = []
    for one in found:
        if one.kind != "model":
            continue
        if one.model not in last:
            message = f"it read {one.bytes:,} bytes, and the last build has no figure: {_ACCEPT}"
            findings.append(Finding("cost-unknown", "warning", one.model, message))
            continue
        before, factor = last[one.model], allowed.get(one.model, DEFAULT_SCAN)
        if one.bytes > max(before * factor, before + _NOISE):
            times = one.bytes / max(before, 1)
            message = (
                f"it read {one.bytes:,} bytes, {times:.2f} times the {before:,} of the last build; its"
                f" contract allows {factor:g}. Make it read less, raise budget.scan in the contract, or"
                f" accept this figure: {_ACCEPT}"
            )
            findings.append(Finding("cost-over-budget", "error", one.model, message))
    return findings
