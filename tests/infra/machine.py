"""Run a Step Functions state machine. Supports what ours use of the language and refuses the rest."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Task = Callable[[str, dict[str, Any]], Any]


class StateError(Exception):
    """A task failed. `name` is the error name that `Retry` and `Catch` match."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(name, cause)
        self.name = name


@dataclass
class Execution:
    """One run: how it ended, the states it passed through, and how many seconds it waited."""

    name: str
    status: str = "RUNNING"
    output: Any = None
    error: str = ""
    path: list[str] = field(default_factory=list)
    waited: float = 0.0


def run(definition: str, task: Task, given: Any, name: str = "e-1", most_states: int = 1000) -> Execution:
    """Run to the end. Raises AssertionError for unknown syntax, and after `most_states` states."""
    machine = json.loads(definition)
    assert set(machine) <= {"Comment", "StartAt", "States", "TimeoutSeconds"}, set(machine)
    execution = Execution(name)
    context = {"Execution": {"Name": name, "Id": f"arn:execution:{name}"}}
    at, data = machine["StartAt"], given
    for _ in range(most_states):
        state = machine["States"][at]
        execution.path.append(at)
        kind = state["Type"]
        if kind == "Succeed":
            execution.status, execution.output = "SUCCEEDED", data
            return execution
        if kind == "Wait":
            execution.waited += state["Seconds"]
            at = state["Next"]
            if execution.waited > machine.get("TimeoutSeconds", 1e12):
                execution.status, execution.error = "TIMED_OUT", "States.Timeout"
                return execution
        elif kind == "Choice":
            at = next(
                (one["Next"] for one in state["Choices"] if _holds(one, data)), state.get("Default", "")
            )
            assert at, "no choice matches and there is no default"
        else:
            assert kind == "Task", kind
            try:
                data = _task(state, task, data, context, execution)
            except StateError as error:
                caught = _matching(state.get("Catch", ()), error.name)
                if caught is None:
                    execution.status, execution.error = "FAILED", error.name
                    return execution
                data = _put(data, caught.get("ResultPath", "$"), {"Error": error.name})
                at = caught["Next"]
                continue
            if state.get("End"):
                execution.status, execution.output = "SUCCEEDED", data
                return execution
            at = state["Next"]
    raise AssertionError(f"no end after {most_states} states: {execution.path[-6:]}")


def _task(state: Mapping[str, Any], task: Task, data: Any, context: Any, execution: Execution) -> Any:
    known = {
        "Type",
        "Resource",
        "Parameters",
        "ResultSelector",
        "ResultPath",
        "Retry",
        "Catch",
        "Next",
        "End",
    }
    assert set(state) <= known, set(state) - known
    request = _filled(state["Parameters"], data, context)
    tried = [0] * len(state.get("Retry", ()))
    while True:
        try:
            result = task(state["Resource"], request)
            break
        except StateError as error:
            retry = _matching(state.get("Retry", ()), error.name)
            index = state.get("Retry", []).index(retry) if retry else -1
            if retry is None or tried[index] >= retry["MaxAttempts"]:
                raise
            pause = retry["IntervalSeconds"] * retry["BackoffRate"] ** tried[index]
            execution.waited += min(pause, retry["MaxDelaySeconds"])
            tried[index] += 1
    if "ResultSelector" in state:
        result = _filled(state["ResultSelector"], result, context)
    return _put(data, state.get("ResultPath", "$"), result)


def _matching(rules: Any, name: str) -> Any:
    return next(
        (one for one in rules if name in one["ErrorEquals"] or "States.ALL" in one["ErrorEquals"]), None
    )


def _holds(choice: Mapping[str, Any], data: Any) -> bool:
    assert set(choice) == {"Variable", "NumericGreaterThan", "Next"}, set(choice)
    return bool(_at(choice["Variable"], data, {}) > choice["NumericGreaterThan"])


def _filled(template: Any, data: Any, context: Any) -> Any:
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): _at(value, data, context)
        if key.endswith(".$")
        else _filled(value, data, context)
        for key, value in template.items()
    }


def _at(path: str, data: Any, context: Any) -> Any:
    assert re.fullmatch(r"\$\$?(\.[A-Za-z]+)*", path), path
    found = context if path.startswith("$$") else data
    for step in path.lstrip("$").split(".")[1:]:
        found = found[step]
    return found


def _put(data: Any, path: str, result: Any) -> Any:
    if path == "$":
        return result
    assert re.fullmatch(r"\$\.[A-Za-z]+", path), path
    return {**data, path[2:]: result}
