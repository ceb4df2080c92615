"""The state machines, executed: what they call and retry, and that starting a run twice builds once."""

import json
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from machine import StateError, run
from rendered import properties, templates, values

from control import handlers

INGESTION = properties("control", "IngestionMachine")["DefinitionString"]
RETENTION = properties("control", "RetentionMachine")["DefinitionString"]
MAINTENANCE = properties("control", "MaintenanceMachine")["DefinitionString"]
BUILD = properties("control", "BuildMachine")["DefinitionString"]
INVOKE = "arn:aws:states:::lambda:invoke"
START = "arn:aws:states:::states:startExecution"
INSTALL_MINUTES = 5
DBT = "arn:aws:states:::codebuild:startBuild.sync"


class Account:
    """Answers tasks as the services would, in the given order, and remembers the requests."""

    def __init__(self, *passes: dict[str, int] | str) -> None:
        self.passes: Iterator[dict[str, int] | str] = iter(passes)
        self.payloads: list[Any] = []
        self.builds: list[str] = []

    def __call__(self, resource: str, request: dict[str, Any]) -> Any:
        if resource == INVOKE:
            assert request["FunctionName"] == "arn:beer-prod-ingest"
            self.payloads.append(request["Payload"])
            answer = next(self.passes)
            if isinstance(answer, str):
                raise StateError(answer)
            return {"Payload": {"registered": 0, **answer}, "StatusCode": 200}
        assert resource == START, resource
        if request["Name"] in self.builds:
            raise StateError("StepFunctions.ExecutionAlreadyExistsException")
        self.builds.append(request["Name"])
        return {"ExecutionArn": request["Name"]}


def _pass(batches: int, left: int = 0) -> dict[str, int]:
    return {"batches": batches, "left": left}


def test_the_function_returns_what_the_machine_reads() -> None:
    assert get_type_hints(handlers.ingest)["return"] == dict[str, object]
    reads = json.loads(INGESTION)["States"]["Ingest"]["ResultSelector"].values()
    import inspect

    for path in reads:
        assert f'"{path.rpartition(".")[2]}"' in inspect.getsource(handlers.ingest)


def test_a_pass_that_published_starts_a_build_named_after_the_execution() -> None:
    account = Account(_pass(2))
    assert run(INGESTION, account, {}, "at-noon").status == "SUCCEEDED"
    assert account.builds == ["at-noon"]


def test_a_pass_that_published_nothing_starts_no_build() -> None:
    account = Account(_pass(0))
    assert run(INGESTION, account, {}).path == ["Ingest", "WasThereAnything", "Nothing"]
    assert account.builds == []


def test_work_left_over_is_ingested_after_a_wait_and_then_built() -> None:
    account = Account(_pass(1, left=2), _pass(0, left=1), _pass(0))
    execution = run(INGESTION, account, {"table": "review"})
    assert (execution.status, execution.waited) == ("SUCCEEDED", 120)
    assert account.builds == ["e-1"]
    # Each pass gets the table that the machine was started for.
    assert [one["table"] for one in account.payloads] == ["review"] * 3


@pytest.mark.parametrize("error", ["ThrottledError", "UnavailableError", "Lambda.TooManyRequestsException"])
def test_a_transient_error_is_retried(error: str) -> None:
    account = Account(error, error, _pass(1))
    execution = run(INGESTION, account, {})
    assert execution.status == "SUCCEEDED"
    assert execution.waited >= 15


@pytest.mark.parametrize("error", ["UsageError", "ContractError", "EngineError", "ConflictError", "KeyError"])
def test_an_error_that_needs_a_person_fails_at_once(error: str) -> None:
    execution = run(INGESTION, Account(error, _pass(1)), {})
    assert (execution.status, execution.error, execution.waited) == ("FAILED", error, 0)


def test_retries_end_with_a_failure() -> None:
    execution = run(INGESTION, Account(*["ThrottledError"] * 20), {})
    assert (execution.status, execution.error) == ("FAILED", "ThrottledError")


def test_work_that_never_ends_times_out() -> None:
    account = Account(*[_pass(0, left=1)] * 500)
    assert run(INGESTION, account, {}).status == "TIMED_OUT"


def test_starting_the_same_run_twice_builds_once() -> None:
    account = Account(_pass(1), _pass(1))
    assert run(INGESTION, account, {}, "same").status == "SUCCEEDED"
    assert run(INGESTION, account, {}, "same").status == "SUCCEEDED"
    assert account.builds == ["same"]


class Builder:
    def __init__(self, *errors: str) -> None:
        self.errors = iter(errors)
        self.requests: list[dict[str, Any]] = []

    def __call__(self, resource: str, request: dict[str, Any]) -> Any:
        assert resource == DBT
        self.requests.append(request)
        if error := next(self.errors, ""):
            raise StateError(error)
        return {"Build": {"BuildStatus": "SUCCEEDED", "Id": "dbt:1"}}


def test_the_name_of_a_build_is_its_idempotency_token() -> None:
    builder = Builder()
    execution = run(BUILD, builder, {}, "at-noon")
    assert execution.output == {"status": "SUCCEEDED", "id": "dbt:1"}
    project = properties("compute", "DbtProject")["Name"]
    assert builder.requests == [{"ProjectName": project, "IdempotencyToken": "at-noon"}]


def test_a_second_build_waits_for_the_first() -> None:
    assert properties("compute", "DbtProject")["ConcurrentBuildLimit"] == 1
    execution = run(BUILD, Builder(*["CodeBuild.AccountLimitExceededException"] * 5), {})
    assert execution.status == "SUCCEEDED"
    assert execution.waited > 300


def test_a_failed_build_is_not_retried() -> None:
    builder = Builder("States.TaskFailed")
    assert run(BUILD, builder, {}).error == "States.TaskFailed"
    assert len(builder.requests) == 1


def retention_answers(*answers: dict[str, int] | str) -> Any:
    found = iter(answers)

    def task(resource: str, request: dict[str, Any]) -> Any:
        assert resource == INVOKE
        assert request["FunctionName"] == "arn:beer-prod-retention"
        answer = next(found)
        if isinstance(answer, str):
            raise StateError(answer)
        return {"Payload": answer, "StatusCode": 200}

    return task


DONE = {"tagged": 3, "taken_back": 0, "returned": 1}


def test_retention_is_one_call_that_is_retried_after_transient_errors() -> None:
    execution = run(RETENTION, retention_answers("UnavailableError", "ThrottledError", DONE), {})
    assert (execution.status, execution.output) == ("SUCCEEDED", {"tagged": 3, "returned": 1})
    assert get_type_hints(handlers.retention)["return"] == dict[str, object]


@pytest.mark.parametrize("error", ["DataError", "UsageError", "UpstreamError", "States.Timeout"])
def test_a_retention_error_that_needs_a_person_fails_at_once(error: str) -> None:
    assert run(RETENTION, retention_answers(error, DONE), {}).status == "FAILED"


def test_maintenance_runs_in_the_build_project_and_waits_for_builds() -> None:
    builder = Builder(*["CodeBuild.AccountLimitExceededException"] * 3)
    assert run(MAINTENANCE, builder, {}, "at-night").status == "SUCCEEDED"
    request = builder.requests[-1]
    project = properties("compute", "DbtProject")
    assert (request["ProjectName"], request["IdempotencyToken"]) == (project["Name"], "at-night")
    given = {one["Name"]: one["Value"] for one in request["EnvironmentVariablesOverride"]}
    assert given == {"MAINTENANCE_MINUTES": values("dev")["MaintenanceMinutes"]}
    assert given.keys() <= {one["Name"] for one in project["Environment"]["EnvironmentVariables"]}


def test_maintenance_that_never_gets_a_turn_is_skipped_without_failure() -> None:
    execution = run(MAINTENANCE, Builder(*["CodeBuild.AccountLimitExceededException"] * 99), {})
    assert (execution.status, execution.path) == ("SUCCEEDED", ["PutInOrder", "Skipped"])


def test_failed_maintenance_fails_its_machine() -> None:
    assert run(MAINTENANCE, Builder("States.TaskFailed"), {}).status == "FAILED"


STATEMENT_MINUTES = 30  # Athena's limit


def test_no_timeout_ends_maintenance_before_its_last_statement() -> None:
    definition = json.loads(MAINTENANCE)
    most = templates()["control"].parameters["MaintenanceMinutes"]["MaxValue"]
    ended = definition["States"]["PutInOrder"]["Parameters"]["TimeoutInMinutesOverride"]
    assert ended >= most + STATEMENT_MINUTES + INSTALL_MINUTES
    waited = run(MAINTENANCE, Builder(*["CodeBuild.AccountLimitExceededException"] * 99), {}).waited
    assert definition["TimeoutSeconds"] >= waited + ended * 60


def test_a_build_waits_as_long_as_maintenance_may_take() -> None:
    # With full jitter, a pause takes half of its maximum on average.
    waited = run(BUILD, Builder(*["CodeBuild.AccountLimitExceededException"] * 99), {}).waited / 2
    minutes = int(values("prod")["MaintenanceMinutes"]) + STATEMENT_MINUTES + INSTALL_MINUTES
    assert waited > minutes * 60
