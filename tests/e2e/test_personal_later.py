"""CONTRIBUTING's recipe "make a column personal": readers see a token, also of rows from before."""

import gzip
import hmac
import json
import shutil
from pathlib import Path

import yaml
from lakehouse import TOKEN_KEY, Lakehouse, Run

HEADER = "member_id,nickname\n"


def token(name: str) -> str:
    return hmac.digest(TOKEN_KEY.encode(), name.encode(), "sha256").hex()


def land(lakehouse: Lakehouse, run: Run, number: int, *rows: str) -> None:
    body = gzip.compress((HEADER + "".join(f"{row}\n" for row in rows)).encode())
    lakehouse.put(f"raw/member/epoch=1/extract={number}/members.csv.gz", body)
    run("dm", "ingest", "run", "--until-idle")


def build(run: Run) -> None:
    run("dbt", "build", "--profiles-dir", "profiles", "--select", "members_state+")


def shown(lakehouse: Lakehouse) -> dict[int, str | None]:
    rows = lakehouse.query("select member_id, nickname from silver.members")
    return {row["member_id"]: row["nickname"] for row in rows}


def test_a_column_that_becomes_personal_shows_tokens_after_a_replay(
    lakehouse: Lakehouse, project: Path, run: Run
) -> None:
    sample = project / "members.csv"
    sample.write_text(HEADER + "1,ann\n")
    run("dm", "contract", "new", "bronze", "member", "--from-file", str(sample))
    run("dm", "contract", "sync")
    land(lakehouse, run, 1, "1,ann", "2,bo")
    build(run)
    assert shown(lakehouse) == {1: "ann", 2: "bo"}

    shutil.copytree(project / "contracts", project / "before")
    path = project / "contracts/bronze/member.yaml"
    contract = yaml.safe_load(path.read_text()) | {"version": "1.0.0"}
    nickname = contract["schema"][0]["properties"][1]
    nickname |= {"classification": "personal", "customProperties": [{"property": "token", "value": True}]}
    path.write_text(yaml.safe_dump(contract, sort_keys=False))
    assert "silver-personal" in run("dm", "contract", "lint", "contracts", expect=1)
    run("dm", "contract", "new", "silver", "member", "--replace")
    run("dm", "contract", "lint", "contracts")
    run("dm", "contract", "sync")
    judged = run("dm", "contract", "gate", "--base", "before", "--head", "contracts", expect=1)
    assert "nickname is personal instead of public" in judged
    assert "nickname shows another column of the state table" in judged

    land(lakehouse, run, 2, "2,bob")
    refused = run("dbt", "build", "--profiles-dir", "profiles", "--select", "members_state+", expect=1)
    assert "nickname_token" in refused
    assert shown(lakehouse) == {1: "ann", 2: "bo"}
    run("dm", "ingest", "replay", "--table", "member", "--from", "1", "--to", "1", "--reason", "Tokens.")
    run("dm", "ingest", "run", "--until-idle")
    build(run)
    assert shown(lakehouse) == {1: token("ann"), 2: token("bob")}
    assert json.loads(run("dm", "contract", "drift", "--json")) == {"ok": True, "findings": []}
