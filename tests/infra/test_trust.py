"""Who may assume which role, and on what condition: exactly as docs/deploy.md says, in every environment."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from rendered import ACCOUNT, ENVIRONMENTS, INFRA, render, values

PAGE = (INFRA.parent / "docs" / "deploy.md").read_text()
DEPLOYERS = {"CiRepository": "owner/lake", "StacksRole": f"arn:aws:iam::{ACCOUNT}:role/beer-stacks"}
PERSONAS = {"engineer", "analyst", "auditor", "deploy"}
ISSUER = "token.actions.githubusercontent.com"
# The conditions that a trust policy may have, by the page's name for them.
CONDITIONS: dict[str, Mapping[str, Any]] = {
    "": {},
    "for this account": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    "with a second factor": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    "main branch of `CiRepository`, for STS": {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": "repo:owner/lake:ref:refs/heads/main",
        }
    },
}
PEOPLE = "people of this account"
PRINCIPALS: dict[str, Mapping[str, Any]] = {
    PEOPLE: {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "`CiProvider`": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"},
}
Row = tuple[str, str, str, str]


def stated() -> set[Row]:
    """Return the rows of the page's table."""
    lines = PAGE[PAGE.index("| role | stack | who takes it |") :].splitlines()[2:]
    table = lines[: next(at for at, line in enumerate(lines) if not line.startswith("|"))]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {(role, stack, who, condition) for role, stack, who, condition in cells}


def found(stacks: Mapping[str, Mapping[str, Any]], environment: str) -> set[Row]:
    """Return the same rows from the rendered templates."""
    rows = set()
    for stack, resources in stacks.items():
        for one in resources.values():
            if one["Type"] == "AWS::IAM::Role":
                role = one["Properties"]["RoleName"].removeprefix(f"beer-{environment}-")
                rows.add((role, stack, *trust(one["Properties"]["AssumeRolePolicyDocument"])))
    return rows


def trust(document: Any) -> tuple[str, str]:
    """Return principal and condition in the words of the page, or as JSON if it has no words for them."""
    policy = json.loads(document) if isinstance(document, str) else document
    (statement,) = policy["Statement"]
    who = named(statement["Principal"], PRINCIPALS)
    if statement["Principal"].keys() == {"Service"}:
        services = statement["Principal"]["Service"]
        who = ", ".join(f"`{one}`" for one in ([services] if isinstance(services, str) else services))
    action = "sts:AssumeRoleWithWebIdentity" if who == "`CiProvider`" else "sts:AssumeRole"
    said = {key: one for key, one in statement.items() if key not in ("Principal", "Condition", "Sid")}
    if said != {"Effect": "Allow", "Action": action}:
        who = f"{who} {said}"
    return who.replace("eu-west-1", "REGION"), named(statement.get("Condition", {}), CONDITIONS)


def named(what: Mapping[str, Any], words: Mapping[str, Mapping[str, Any]]) -> str:
    return next((word for word, meaning in words.items() if meaning == what), json.dumps(what))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_trust_policies_match_the_page(environment: str) -> None:
    assert found(render(values(environment) | DEPLOYERS), environment) == stated()


def test_without_ci_repository_and_stacks_role_the_ci_and_deploy_roles_do_not_exist() -> None:
    assert {row[0] for row in stated()} - {row[0] for row in found(render(values("dev")), "dev")} == {
        "ci",
        "deploy",
    }


def test_persona_mfa_false_removes_the_second_factor_only_for_people() -> None:
    without = found(render(values("dev") | DEPLOYERS | {"PersonaMfa": "false"}), "dev")
    assert without - stated() == {(role, "access", PEOPLE, "") for role in PERSONAS}


@pytest.mark.parametrize(
    ("role", "change"),
    [
        ("EngineerRole", {"Condition": {}}),
        ("AnalystRole", {"Principal": {"AWS": "*"}}),
        ("AuditorRole", {"Principal": {"AWS": "arn:aws:iam::999999999999:root"}}),
        ("DeployRole", {"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}}),
        ("SparkRole", {"Condition": {}}),
        ("MachineRole", {"Principal": {"Service": "lambda.amazonaws.com"}}),
        ("IngestRole", {"Action": "sts:*"}),
        ("DbtRole", {"NotPrincipal": {"AWS": "*"}}),
    ],
)
def test_a_planted_trust_policy_is_found(role: str, change: dict[str, Any]) -> None:
    stacks = deepcopy(render(values("dev") | DEPLOYERS))
    stacks["access"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0].update(change)
    assert found(stacks, "dev") != stated()


@pytest.mark.parametrize("subject", ["repo:owner/lake:*", "repo:owner/*:ref:refs/heads/main"])
def test_trust_in_ci_of_another_branch_or_repository_is_found(subject: str) -> None:
    stacks = deepcopy(render(values("dev") | DEPLOYERS))
    role = stacks["access"]["CiRole"]["Properties"]
    whole = role["AssumeRolePolicyDocument"]
    role["AssumeRolePolicyDocument"] = whole.replace("repo:owner/lake:ref:refs/heads/main", subject)
    assert role["AssumeRolePolicyDocument"] != whole
    assert found(stacks, "dev") != stated()
