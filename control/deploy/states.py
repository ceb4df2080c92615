"""The next step for a stack, derived from its state alone, however an earlier run ended."""

from typing import Literal

Step = Literal["create", "update", "wait", "clear", "roll back", "stop"]

# The stack was never created completely, so deleting it loses nothing.
NEVER_FINISHED = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}
USABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}


def next_step(status: str | None) -> Step:
    """Return what to do with a stack in this state; None means that there is no stack."""
    if status in (None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
        return "create"
    assert status is not None
    if status.endswith("_IN_PROGRESS"):
        return "wait"
    if status in NEVER_FINISHED:
        return "clear"
    if status == "UPDATE_ROLLBACK_FAILED":
        return "roll back"
    return "update" if status in USABLE else "stop"


def way_out(name: str, status: str) -> str:
    """Return what a person can do about a stack for which there is no automatic step."""
    if status == "DELETE_FAILED":
        return (
            f"see why with `dm deploy status`, remove what blocks the deletion of {name}, and delete it again"
        )
    if status == "UPDATE_FAILED":
        return f"roll {name} back in CloudFormation's console, then apply again"
    return f"look at the events of {name} in CloudFormation's console"
