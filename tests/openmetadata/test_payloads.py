"""Every request that we send, and both workflows, under the models of OpenMetadata's own client."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from catalog_server import Call, CatalogServer
from made_catalog import NAMES, made_desired

from control.adapters.openmetadata import OpenMetadata
from control.catalog.publish import publish

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / ".venv-om" / "bin" / "python"
WORKFLOWS = sorted((ROOT / "infra" / "openmetadata").glob("*.yaml"))
SETTINGS = {
    "OPENMETADATA_URL": "http://127.0.0.1:8585", "OPENMETADATA_TOKEN": "token", "AWS_REGION": "us-east-1",
    "DM_BUCKET": "lake", "DBT_BUILD": "/build", "DBT_DOCS": "/docs",
}  # fmt: skip


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    """Return what is sent to an empty server, and then to one where much was changed meanwhile."""
    with CatalogServer() as server:
        catalog = OpenMetadata(server.url, "")
        publish(made_desired(), catalog, lambda done, total: None)
        table = server.entity("table", NAMES.table("gold.top_beers_by_rating"))
        table.update(description="?", owners=[], tags=[], domains=[], dataProducts=[], tableConstraints=[])
        for column in table["columns"]:
            column.update(description="?", tags=[], constraint="NULL")
        raw = server.entity("container", NAMES.container("review"))
        raw["dataModel"]["columns"][0]["children"][0]["description"] = "?"
        raw.update(prefix="/", owners=[])
        fqn = f"{NAMES.table('gold.top_beers_by_rating')}.dataContract_gold_top_beers_by_rating"
        server.entity("dataContract", fqn).update(sla={}, schema=[], entityStatus="Draft", owners=[])
        publish(made_desired(), catalog, lambda done, total: None)
        return server.writes()


def judged(calls: list[Call], workflows: list[Path]) -> dict[str, Any]:
    asked = {
        "calls": [[call.method, call.path, call.body] for call in calls],
        "workflows": [str(path) for path in workflows],
    }
    done = subprocess.run(
        [str(CLIENT), "-W", "ignore", str(Path(__file__).with_name("judge.py"))],
        input=json.dumps(asked),
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_clients_models_accept_every_request(calls: list[Call]) -> None:
    assert {call.method for call in calls} >= {"PUT", "POST", "PATCH"}
    found = judged(calls, [])
    assert found["problems"] == []
    assert found["judged"] > 100


def test_the_clients_configuration_accepts_both_workflows() -> None:
    assert len(WORKFLOWS) == 2
    assert judged([], WORKFLOWS) == {"judged": 2, "problems": []}


def test_problems_are_found_even_where_the_client_would_accept_them() -> None:
    ends = {"id": "39d70bb2-4c5c-4f1d-8b0e-6f0b4b7b2f0a", "type": "table"}
    edge = {"fromEntity": ends, "toEntity": ends, "lineageDetails": {"columnLineage": []}}
    wrong = [
        Call("PUT", "teams", {"name": "x", "teamType": "Group", "colour": "red"}),
        Call("PUT", "teams", {"name": "x", "teamType": "Crowd"}),
        Call("PUT", "teams", {"teamType": "Group"}),
        Call("PATCH", "tables/1", [{"op": "add", "path": "/columns/0/constraint", "value": "MAYBE"}]),
        Call("PATCH", "tables/1", [{"op": "add", "path": "/owners", "value": [{"type": "team"}]}]),
        Call("PUT", "lineage", {"edge": edge}),
    ]
    problems = judged(wrong, [])["problems"]
    assert len(problems) == len(wrong)
    assert "columnLineage is no key" in problems[-1]


def test_a_workflow_with_a_wrong_key_is_found(tmp_path: Path) -> None:
    broken = tmp_path / "athena.yaml"
    broken.write_text(WORKFLOWS[0].read_text().replace("s3StagingDir", "stagingDir"))
    assert len(judged([], [broken])["problems"]) == 1


def test_no_workflow_contains_a_secret() -> None:
    for path in WORKFLOWS:
        assert "jwtToken: ${OPENMETADATA_TOKEN}" in path.read_text()
        assert "awsSecretAccessKey" not in path.read_text()
