"""`dm deploy apply` upgrades stacks of an older version and keeps their data."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from local_account import ACCOUNT, INFRA, Account, new_account

from control.adapters.dynamodb import DynamoStore
from control.deploy import apply, template
from control.errors import UpstreamError, UsageError
from control.model import Batch, Counts
from localcloud import config as local_config
from localcloud import supervisor

Content = dict[str, Any]
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
REFUSED = Batch("b1", "review", ("f",), 1, "light", MOMENT, state="published", counts=(Counts(3, 2, 1, 0),))


def other(account: Account, stack: str, change: Callable[[Content], None], **values: str) -> Account:
    """Return the same environment with a changed template of one stack."""
    whole = account.narrowed(stack, **values)
    content = json.loads(whole.environment.templates[stack].body)
    change(content)
    templates = {**whole.environment.templates, stack: template.Template(stack, content)}
    return replace(whole, environment=replace(whole.environment, templates=templates))


def as_0_1_0_made_it(content: Content) -> None:
    """Give the control table only the index of open work."""
    properties = content["Resources"]["ControlTable"]["Properties"]
    indices, attributes = properties["GlobalSecondaryIndexes"], properties["AttributeDefinitions"]
    indices[:] = [one for one in indices if one["IndexName"] != "refused"]
    attributes[:] = [one for one in attributes if one["AttributeName"] != "refused_pk"]


def store(account: Account) -> DynamoStore:
    name = f"{account.environment.values['Project']}-dev-control"
    return DynamoStore(replace(account.settings, control_table=name))


def indices(account: Account) -> dict[str, str]:
    """Return the key attribute of each index of the control table."""
    name = f"{account.environment.values['Project']}-dev-control"
    found = account.client("dynamodb").describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
    return {one["IndexName"]: one["KeySchema"][0]["AttributeName"] for one in found}


def function(account: Account, name: str) -> Mapping[str, Any]:
    whole = f"{account.environment.values['Project']}-dev-{name}"
    found: Mapping[str, Any] = account.client("lambda").get_function(FunctionName=whole)["Configuration"]
    return found


def test_the_control_table_gets_its_new_index_in_place_and_keeps_its_items(account: Account) -> None:
    older = other(account, "control", as_0_1_0_made_it)
    older.apply()
    assert indices(older) == {"open": "open_pk"}
    store(older).create(REFUSED)
    with pytest.raises(UsageError, match="lacks an index, because an older version created it") as lacking:
        store(older).query(Batch, "review", place="quarantined")
    assert "dm deploy apply" in lacking.value.hint

    today = account.narrowed("control")
    [planned] = [one for one in apply.plan(today.environment, today.stacks) if one.changes]
    assert [(one.logical, one.action, one.replacement, one.properties) for one in planned.changes] == [
        ("ControlTable", "Modify", "False", ("AttributeDefinitions", "GlobalSecondaryIndexes"))
    ]
    assert today.apply() == ("control",)
    assert indices(today) == {"open": "open_pk", "refused": "refused_pk"}
    assert store(today).query(Batch, "review", place="quarantined").items == (REFUSED,)
    assert today.drifted("control") == {}
    assert today.apply() == ()


def test_one_upgrade_brings_the_index_and_the_functions_code_and_values(account: Account) -> None:
    older = other(account, "control", as_0_1_0_made_it)
    older.apply()
    store(older).create(REFUSED)
    before = function(older, "ingest")
    newer = account.narrowed("control", ControlCodeKey=f"control/{'2' * 64}.zip", LeaseSeconds="90")
    bucket = f"{account.environment.values['Project']}-dev-code-{ACCOUNT}"
    account.client("s3").put_object(Bucket=bucket, Key=f"control/{'2' * 64}.zip", Body=b"PK of another")
    assert newer.apply() == ("control",)
    after = function(newer, "ingest")
    assert before["CodeSha256"] != after["CodeSha256"]
    assert after["Environment"]["Variables"]["DM_LEASE_SECONDS"] == "90"
    assert "refused" in indices(newer)
    assert store(newer).get(Batch, "review", "b1") == REFUSED


def test_a_failed_upgrade_leaves_the_table_unchanged_and_can_be_repeated(account: Account) -> None:
    older = other(account, "control", as_0_1_0_made_it)
    older.apply()
    store(older).create(REFUSED)
    with pytest.raises(UpstreamError, match="UPDATE_ROLLBACK_COMPLETE"):
        account.narrowed("control", ControlCodeKey=f"control/{'1' * 64}.zip").apply()
    assert indices(older) == {"open": "open_pk"}
    assert store(older).get(Batch, "review", "b1") == REFUSED
    assert account.narrowed("control").apply() == ("control",)
    assert "refused" in indices(older)


def two_indices(content: Content) -> None:
    properties = content["Resources"]["ControlTable"]["Properties"]
    another = copy.deepcopy(properties["GlobalSecondaryIndexes"][-1]) | {"IndexName": "another"}
    properties["GlobalSecondaryIndexes"].append(another)


def another_key(content: Content) -> None:
    content["Resources"]["ControlTable"]["Properties"]["GlobalSecondaryIndexes"][0]["KeySchema"].pop()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (two_indices, "Cannot perform more than one GSI creation or deletion in a single update"),
        (another_key, "Cannot update GSI's properties other than"),
    ],
)
def test_index_changes_that_dynamodb_refuses_fail_here_too(
    account: Account, change: Callable[[Content], None], why: str
) -> None:
    other(account, "control", as_0_1_0_made_it).apply()
    with pytest.raises(UpstreamError, match=why):
        other(account, "control", change).apply()
    assert indices(account) == {"open": "open_pk"}


def test_an_index_deleted_by_hand_is_found_as_drift(account: Account) -> None:
    today = account.narrowed("control")
    today.apply()
    name = f"{account.environment.values['Project']}-dev-control"
    account.client("dynamodb").update_table(
        TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "refused"}}]
    )
    assert today.drifted("control")["ControlTable"] == ("MODIFIED", ["/GlobalSecondaryIndexes"])


def test_functions_lost_by_a_stopped_cloud_are_created_again_with_the_new_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    settings = local_config.Settings(folder=tmp_path / "cloud", port=0)
    first = supervisor.up(settings, lambda _: None).record
    try:
        older = other(new_account(first.endpoint, tmp_path), "control", as_0_1_0_made_it)
        older.apply()
        store(older).create(REFUSED)
        supervisor.down(settings.folder, lambda _: None)
        again = supervisor.up(replace(settings, port=first.port), lambda _: None).record
        assert again.endpoint == first.endpoint
        newer = older.narrowed("control", LeaseSeconds="90")
        templates = {**newer.environment.templates, "control": template.read(INFRA / "templates")["control"]}
        newer = replace(newer, environment=replace(newer.environment, templates=templates))
        assert newer.apply() == ("control",)
        variables = function(newer, "ingest")["Environment"]["Variables"]
        assert variables["DM_LEASE_SECONDS"] == "90"
        assert "refused" in indices(newer)
        assert store(newer).get(Batch, "review", "b1") == REFUSED
    finally:
        supervisor.reset(settings.folder)
