"""Policies decide on a request as IAM would."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.iam.policies import Need, judge, matches

LAKE = "arn:aws:s3:::lake"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


GET_GOLD = Need("s3:GetObject", f"{LAKE}/gold/a.parquet")


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        (allow("s3:GetObject", f"{LAKE}/gold/*"), True),
        (allow(["s3:PutObject", "s3:GetObject"], [f"{LAKE}/bronze/*", f"{LAKE}/gold/*"]), True),
        (allow("S3:getobject", f"{LAKE}/gold/a.parquet"), True),
        (allow("s3:Get*", "*"), True),
        (allow("s3:GetObjec?", f"{LAKE}/gold/?.parquet"), True),
        (allow("s3:GetObject", LAKE), False),
        (allow("s3:GetObject", f"{LAKE}/GOLD/*"), False),
        (allow("s3:GetObject", f"{LAKE}/gold/[a].parquet"), False),
        (allow("s3:GetObjectVersion", f"{LAKE}/gold/*"), False),
        ({"Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": f"{LAKE}/raw/*"}, True),
        ({"Effect": "Allow", "Action": "*", "NotResource": f"{LAKE}/gold/*"}, False),
    ],
)
def test_an_allow_statement_matches_action_and_resource(statement: dict[str, Any], allowed: bool) -> None:
    assert judge(GET_GOLD, [policy(statement)]).allowed is allowed


def test_default_is_deny_and_an_explicit_deny_wins() -> None:
    assert not judge(GET_GOLD, []).allowed
    everything = policy(allow("*", "*"))
    verdict = judge(GET_GOLD, [everything, policy(deny("s3:*", f"{LAKE}/gold/*"))])
    assert (verdict.allowed, verdict.explicit, verdict.kind) == (False, True, "identity-based")


def test_a_session_policy_narrows_and_never_widens() -> None:
    reads = policy(allow("s3:GetObject", "*"))
    assert judge(GET_GOLD, [reads], policy(allow("s3:*", f"{LAKE}/gold/*"))).allowed
    assert judge(GET_GOLD, [reads], policy(allow("s3:*", f"{LAKE}/raw/*"))).kind == "session"
    assert (
        judge(Need("s3:PutObject", f"{LAKE}/gold/x"), [reads], policy(allow("*", "*"))).kind
        == "identity-based"
    )


@pytest.mark.parametrize(
    ("condition", "prefix", "allowed"),
    [
        ({"StringLike": {"s3:prefix": ["gold/*", "results/*"]}}, "gold/t/", True),
        ({"StringLike": {"S3:Prefix": "gold/*"}}, "gold/t/", True),
        ({"StringLike": {"s3:prefix": "gold/*"}}, "raw/", False),
        ({"StringLike": {"s3:prefix": "gold/*"}}, None, False),
        ({"StringEquals": {"s3:prefix": "gold/"}}, "gold/t/", False),
        ({"StringNotLike": {"s3:prefix": "raw/*"}}, None, True),
        ({"StringLikeIfExists": {"s3:prefix": "gold/*"}}, None, True),
        ({"StringLikeIfExists": {"s3:prefix": "gold/*"}}, "raw/", False),
        ({"Null": {"s3:prefix": "true"}}, None, True),
        ({"Null": {"s3:prefix": "true"}}, "gold/", False),
        ({"Bool": {"aws:SecureTransport": "true"}, "StringLike": {"s3:prefix": "gold/*"}}, "gold/t/", False),
    ],
)
def test_conditions_on_the_request_are_evaluated(
    condition: dict[str, Any], prefix: str | None, allowed: bool
) -> None:
    need = Need("s3:ListBucket", LAKE, {} if prefix is None else {"s3:prefix": prefix})
    assert judge(need, [policy(allow("s3:ListBucket", LAKE, Condition=condition))]).allowed is allowed


def test_unknown_conditions_are_named_and_never_refuse_a_request() -> None:
    unknown = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    verdict = judge(GET_GOLD, [policy(allow("s3:*", "*", Condition=unknown))])
    assert (verdict.allowed, verdict.unjudged) == (True, {"IpAddress"})
    tagged = {"StringEquals": {"aws:PrincipalTag/team": "beer"}}
    verdict = judge(GET_GOLD, [policy(allow("s3:*", "*"), deny("s3:*", "*", Condition=tagged))])
    assert (verdict.allowed, verdict.unjudged) == (True, {"aws:PrincipalTag/team"})


@given(st.text("ab/*?", max_size=6), st.text("ab/", max_size=6))
def test_patterns_match_as_defined(pattern: str, value: str) -> None:
    def fits(p: str, v: str) -> bool:
        if not p:
            return not v
        if p[0] == "*":
            return fits(p[1:], v) or (bool(v) and fits(p, v[1:]))
        return bool(v) and p[0] in ("?", v[0]) and fits(p[1:], v[1:])

    assert matches(pattern, value) is fits(pattern, value)
