"""The hosted workflows: pinned actions, least privilege, and existing commands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]


def workflow(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    used = [
        step["uses"] for job in workflow(path)["jobs"].values() for step in job["steps"] if "uses" in step
    ]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_has_to_comment(path: Path) -> None:
    found = workflow(path)
    assert found["permissions"] == {"contents": "read"}
    for name, job in found["jobs"].items():
        wanted = {"contents": "read", "pull-requests": "write"} if name == "report" else None
        assert job.get("permissions") == wanted


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_of_a_pull_request_have_no_token_in_the_clone_and_no_secrets(path: Path) -> None:
    found = workflow(path)
    assert set(found["on"]) <= {"push", "pull_request"}
    steps = [step for job in found["jobs"].values() for step in job["steps"]]
    clones = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert clones
    assert [step["with"].get("persist-credentials") for step in clones] == [False] * len(clones)
    assert "secrets." not in path.read_text()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_text_of_a_pull_request_becomes_part_of_a_command(path: Path) -> None:
    for job in workflow(path)["jobs"].values():
        assert [step["run"] for step in job["steps"] if "${{" in step.get("run", "")] == []


def test_the_comment_is_what_the_commands_of_the_workflow_print(tmp_path: Path) -> None:
    """The step runs as it is written, in a clone where a column was dropped and its lineage with it."""
    clone = tmp_path / "clone"
    for folder in ("contracts", "lineage", "models"):
        shutil.copytree(ROOT / folder, clone / folder)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"], ["branch", "base"]):
        subprocess.run([*GIT, *command], cwd=clone, check=True)
    contract = clone / "contracts/gold/top_drinkers.yaml"
    before, _, rest = contract.read_text().partition("      - name: profile_name\n")
    contract.write_text(before + rest[rest.index("      - name: ") :])
    lineage = clone / "lineage/gold.top_drinkers.json"
    lines = lineage.read_text().splitlines(keepends=True)
    lineage.write_text(
        "".join(line for line in lines if "profile_name" not in line or line.startswith('{"v'))
    )
    (clone / ".venv").symlink_to(Path(sys.executable).parents[1])
    [step] = [s for s in workflow(ROOT / ".github/workflows/contracts.yml")["jobs"]["report"]["steps"]
              if s.get("name") == "Compare"]  # fmt: skip
    environment = {"BASE": "base", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "PATH": "/usr/bin:/bin"}
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=clone, env=environment, check=True)
    comment = (clone / "comment.md").read_text()
    assert comment == (tmp_path / "summary").read_text()
    assert "**Contracts: not yet** · required bump: major" in comment
    assert "| breaking | gold.top_drinkers | column profile_name is dropped" in comment
    assert "beer-insights" in comment
    assert "**Lineage**: 1 model with other sources" in comment
    assert '-{"from":"silver.review_flat.profile_name"' in comment
