"""Each role may make the calls that were recorded or documented for it, and no others.

`infra/calls.yaml` has the calls that the local cloud recorded (`make record-calls`);
`infra/calls-by-aws.yaml` what AWS itself does under a role. A cell is one action on one resource of one
statement.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from rendered import ACCOUNT, render, values

from localcloud.iam.policies import as_list, matches

INFRA = Path(__file__).parents[2] / "infra"
RECORDED = yaml.safe_load((INFRA / "calls.yaml").read_text())["roles"]
BY_AWS = yaml.safe_load((INFRA / "calls-by-aws.yaml").read_text())
ROLES = sorted(RECORDED.keys() | BY_AWS.keys())
# How a rendered template refers to resources without a name of their own.
NAMES = {
    "LakeKey": "arn:LakeKey",
    "ControlKey": "arn:ControlKey",
    "TokenKey": "beer-dev-token-key",
    "arn:aws:iam::ACCOUNT:role/PROJECT-dev-spark": "arn:beer-dev-spark",
    "arn:aws:emr-serverless:REGION:ACCOUNT:/applications/*": "arn:beer-dev-spark",
    "arn:aws:emr-serverless:REGION:ACCOUNT:/applications/*/jobruns/*": "arn:beer-dev-spark/jobruns/*",
}
# Engineers run by hand what these roles run.
SHARED = {"engineer": ("ingest", "dbt")}
# Action and resource of one statement that together permit nothing, such as GetDatabase on a table.
WITHOUT_EFFECT = {
    "glue:GetDatabase": ":table/",
    "emr-serverless:StartJobRun": "/jobruns/",
    "emr-serverless:GetJobRun": "^arn:beer-dev-spark$",
    "emr-serverless:CancelJobRun": "^arn:beer-dev-spark$",
}
# Roles that have only managed policies of AWS, which we cannot narrow.
BY_AWS_ALONE = {"monitoring"}


@cache
def rendered() -> dict[str, dict[str, dict[str, Any]]]:
    deployers = {"CiRepository": "owner/lake", "StacksRole": f"arn:aws:iam::{ACCOUNT}:role/beer-stacks"}
    return render(values("dev") | deployers)


@cache
def policies() -> dict[str, list[dict[str, Any]]]:
    """Return role -> statements: inline, of policies that it lists, and of policies that list it."""
    resources = {key: one for stack in rendered().values() for key, one in stack.items()}
    managed = {
        key: one["Properties"] for key, one in resources.items() if one["Type"] == "AWS::IAM::ManagedPolicy"
    }
    found: dict[str, list[dict[str, Any]]] = {}
    for one in resources.values():
        if one["Type"] != "AWS::IAM::Role":
            continue
        role, name = one["Properties"], one["Properties"]["RoleName"]
        documents = [policy["PolicyDocument"] for policy in role.get("Policies", ())]
        documents += [
            managed[key]["PolicyDocument"] for key in role.get("ManagedPolicyArns", ()) if key in managed
        ]
        documents += [
            policy["PolicyDocument"] for policy in managed.values() if name in policy.get("Roles", ())
        ]
        found[name.removeprefix("beer-dev-")] = [
            part for document in documents for part in document["Statement"]
        ]
    return found


def cells(role: str) -> Iterator[tuple[str, str]]:
    for statement in policies()[role]:
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                if action not in WITHOUT_EFFECT or not re.search(WITHOUT_EFFECT[action], resource):
                    yield action, resource


def named(resource: str) -> str:
    """Return a recorded resource in the form of the rendered template."""
    named = NAMES.get(resource, resource).replace("PROJECT", values("dev")["Project"])
    return named.replace("REGION", "eu-west-1").replace("ACCOUNT", ACCOUNT)


def recorded(role: str) -> set[tuple[str, str]]:
    found = RECORDED.get(role, {}).items()
    return {(action, named(resource)) for action, resources in found for resource in resources}


def documents(entry: dict[str, Any], action: str, resource: str) -> bool:
    places = entry.get("places", ["*"])
    return action in entry["actions"] and any(matches(named(one), resource) for one in places)


def allows(role: str, action: str, resource: str) -> bool:
    return any(matches(one, action) and matches(place, resource) for one, place in cells(role))


def refused(role: str) -> list[str]:
    """Return the recorded calls that the role does not allow."""
    return sorted(f"{one} on {place}" for one, place in recorded(role) if not allows(role, one, place))


def unused(role: str) -> list[str]:
    """Return the permissions of the role that are neither recorded nor documented."""
    runs = (role, *SHARED.get(role, ()))
    seen = {cell for one in runs for cell in recorded(one)}
    written = [entry for one in runs for entry in BY_AWS.get(one, ())]
    return sorted({
        f"{action} on {place}"
        for action, place in cells(role)
        if not any(matches(action, one) and matches(place, what) for one, what in seen)
        and not any(documents(entry, action, place) for entry in written)
    })  # fmt: skip


def test_every_role_is_recorded_or_documented() -> None:
    assert set(ROLES) == policies().keys() - BY_AWS_ALONE


@pytest.mark.parametrize("role", ROLES)
def test_a_role_allows_every_recorded_call(role: str) -> None:
    assert refused(role) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_allows_only_what_is_recorded_or_documented(role: str) -> None:
    assert unused(role) == []


@pytest.mark.parametrize("role", sorted(BY_AWS))
def test_documented_permissions_exist_and_were_not_recorded(role: str) -> None:
    for entry in BY_AWS[role]:
        assert entry["why"]
        assert entry["source"].startswith(("https://docs.aws.amazon.com/", "control/"))
        for action in entry["actions"]:
            places = [place for one, place in cells(role) if one == action and documents(entry, one, place)]
            assert places, f"{role} no longer has {action}"
            seen = {what for one, what in recorded(role) if one == action}
            needless = all(any(matches(place, what) for what in seen) for place in places)
            assert not needless, f"{role}: {action} was recorded, so it needs no documentation"


def test_a_missing_and_a_superfluous_permission_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing and a superfluous permission, planted in the role of dbt."""
    whole = policies()["dbt"]
    narrower = {**policies(), "dbt": [one for one in whole if one["Sid"] != "ReadBronze"]}
    more = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::beer-dev-lake-1/raw/*"}
    wider = {**policies(), "dbt": [*whole, more]}
    monkeypatch.setitem(globals(), "policies", lambda: narrower)
    assert any(one.startswith("glue:GetTable on") for one in refused("dbt"))
    monkeypatch.setitem(globals(), "policies", lambda: wider)
    assert unused("dbt") == [f"s3:GetObject on {more['Resource']}"]


def test_a_deployer_changes_only_stacks_and_only_those_of_one_environment() -> None:
    stack, account = "arn:aws:cloudformation:eu-west-1:123456789012:stack/beer-", "123456789012"
    assert allows("deploy", "cloudformation:ExecuteChangeSet", f"{stack}dev-storage/1")
    assert not allows("deploy", "cloudformation:ExecuteChangeSet", f"{stack}prod-storage/1")
    assert {one for one, _ in cells("deploy") if not one.startswith("cloudformation:")} == {
        *("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucket"),
        *("kms:Decrypt", "kms:GenerateDataKey", "iam:PassRole"),
    }
    assert not allows("deploy", "s3:PutObject", f"arn:aws:s3:::beer-dev-lake-{account}/raw/review/x")
    assert not allows("deploy", "iam:PassRole", f"arn:aws:iam::{account}:role/admin")
