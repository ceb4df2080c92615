"""`dm deploy` refuses mistakes before it makes a call, and asks before it deletes."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from control.cli import deploy_context
from control.cli.deploy import _confirm, _confirm_name, command
from control.config import Settings
from control.contracts import load
from control.contracts.render_capture import render
from control.deploy import packages, template
from control.deploy.apply import Environment
from control.errors import ControlError, NotFoundError, UnavailableError, UsageError

INFRA = Path(__file__).parents[3] / "infra"
# Nothing listens here, so the first call raises UnavailableError.
NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
}


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--infra", str(INFRA)], env=NOWHERE)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("plan", "dev", "--set", "StreamShards=0"), UsageError, "StreamShards=0: is below 1"),
        (("apply", "dev", "--yes", "--set", "Shards=4"), UsageError, "no such parameter"),
        (("plan", "dev", "--set", "StreamShards"), UsageError, "is not Name=value"),
        (("plan", "nowhere"), NotFoundError, "no environment 'nowhere'"),
        (("plan", "dev", "queue"), NotFoundError, "the stacks are|no stack 'queue'"),
        (("apply", "dev", "--control-zip", "/absent.zip"), NotFoundError, "cannot be read"),
        (("apply", "dev", "--spark-runtime", "/absent.gz"), NotFoundError, "cannot be read"),
        (("plan", "dev", "--params", "/absent.yaml"), NotFoundError, "does not exist"),
    ],
)
def test_a_mistake_is_reported_before_any_call(
    arguments: tuple[str, ...], error: type[ControlError], words: str
) -> None:
    result = _run(*arguments)
    assert isinstance(result.exception, error), result.exception
    assert any(word in result.exception.message for word in words.split("|"))


def test_a_valid_command_gets_as_far_as_a_call() -> None:
    assert isinstance(_run("plan", "dev", "storage").exception, UnavailableError)


def test_values_of_a_second_file_and_the_command_line_win(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("StreamShards: 0\n")
    result = _run("plan", "dev", "--params", str(tmp_path / "more.yaml"))
    assert "StreamShards=0" in str(result.exception)
    result = _run(
        "plan", "dev", "storage", "--params", str(tmp_path / "more.yaml"), "--set", "StreamShards=2"
    )
    assert isinstance(result.exception, UnavailableError)


def test_change_capture_without_tables_is_refused_before_a_call(tmp_path: Path) -> None:
    infra = tmp_path / "infra"
    shutil.copytree(INFRA, infra)
    source = infra / "templates/source.yaml"
    source.write_text(render([], source.read_text()))
    for what in ("plan", "apply"):
        result = CliRunner().invoke(command, [what, "dev", "source", "--infra", str(infra)], env=NOWHERE)
        assert isinstance(result.exception, UsageError), result.output
        assert "would capture no table" in str(result.exception)
        assert "without source" in result.exception.hint
    result = CliRunner().invoke(command, ["plan", "dev", "storage", "--infra", str(infra)], env=NOWHERE)
    assert isinstance(result.exception, UnavailableError)


def test_a_template_that_cloudformation_would_refuse_is_refused_before_a_call(tmp_path: Path) -> None:
    infra = tmp_path / "infra"
    shutil.copytree(INFRA, infra)
    [captured] = [one for one in load.folder(INFRA.parent / "contracts") if one.table == "beer"]
    source = infra / "templates/source.yaml"
    source.write_text(render([replace(captured, table=f"table_{n}") for n in range(300)], source.read_text()))
    result = CliRunner().invoke(command, ["plan", "dev", "source", "--infra", str(infra)], env=NOWHERE)
    assert isinstance(result.exception, UsageError), result.output
    assert re.search(r"source\.yaml has [\d,]+ bytes as JSON", result.exception.message)


@pytest.mark.parametrize("typed", [None, "", "beer", "beer-prod", "BEER-DEV"])
def test_data_is_deleted_only_if_the_whole_name_is_typed(typed: str | None) -> None:
    with pytest.raises(UsageError, match="nothing was changed"):
        _confirm_name("beer-dev", typed)
    _confirm_name("beer-dev", "beer-dev")


def test_without_a_terminal_an_explicit_option_is_required() -> None:
    with pytest.raises(UsageError, match="stdin is not a terminal"):
        _confirm(False, "Apply?")
    _confirm(True, "Apply?")


def test_every_command_has_help_with_an_example() -> None:
    for name in ("plan", "apply", "status", "destroy", "drift"):
        text = CliRunner().invoke(command, [name, "--help"]).output
        assert f"dm deploy {name}" in text


def test_the_project_archive_is_reproducible(tmp_path: Path) -> None:
    for part in packages.PROJECT:
        target = tmp_path / part
        if "." in target.name:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(part)
        else:
            target.mkdir(parents=True)
            (target / "a.sql").write_text("select 1")
    first, again = packages.project(tmp_path), packages.project(tmp_path)
    assert first == again
    (tmp_path / "models" / "a.sql").write_text("select 2")
    assert packages.project(tmp_path).value != first.value


def test_the_project_archive_is_all_that_dbt_needs(tmp_path: Path) -> None:
    """Unpacked in an empty folder, with the target and variables of the build machine."""
    [content] = packages.project(INFRA.parent).objects.values()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    variables = {
        "DM_BUCKET": "lake",
        "DM_WORKGROUP": "build",
        "DM_SCHEMA_PREFIX": "",
        "AWS_REGION": "eu-west-1",
    }
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "parse", "--profiles-dir", "profiles", "--target", "prod"],
        cwd=tmp_path, env={"PATH": os.defpath, "HOME": str(tmp_path), **variables},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    nodes = json.loads((tmp_path / "target" / "manifest.json").read_text())["nodes"].values()
    models = {node["name"] for node in nodes if node["resource_type"] == "model"}
    assert models == {file.stem for file in (INFRA.parent / "models").rglob("*.sql")}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("control",), "the functions have no archive"),
        (("compute",), "the libraries of Spark on EMR have no archive"),
    ],
)
def test_a_missing_archive_is_reported_before_anything_changes(names: tuple[str, ...], words: str) -> None:
    environment = Environment(
        template.read(INFRA / "templates"), {"Spark": "emr", **deploy_context.UNKNOWN}, names
    )
    context = deploy_context.Context(environment, Settings(), *[None] * 3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=words) as error:
        deploy_context.archives(context)
    assert "make " in str(error.value.hint)
    values = {**environment.values, "Spark": "glue", "ControlCodeKey": "control/x"}
    on_glue = replace(context, environment=replace(environment, values=values))
    assert {one.parameter for one in deploy_context.archives(on_glue)} <= {
        "ProjectCodeKey",
        "SparkCodePrefix",
    }


@pytest.mark.parametrize(
    ("option", "make", "pattern"),
    [
        ("ControlCodeKey", packages.control, r"control/[0-9a-f]{64}\.zip"),
        ("SparkRuntimeKey", packages.spark_runtime, r"spark/runtime-[0-9a-f]{64}\.tar\.gz"),
    ],
)
def test_an_archive_is_named_by_its_hash(option: str, make: Any, pattern: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    first, again, other = make(tmp_path / "a"), make(tmp_path / "a"), make(tmp_path / "b")
    assert first == again
    assert first.parameter == option
    assert first.value != other.value
    assert re.fullmatch(pattern, first.value)


def test_the_spark_archive_is_named_by_the_hash_of_its_members() -> None:
    package = packages.spark()
    assert {key.rpartition("/")[2] for key in package.objects} == {"ingest.py", "ingest.zip"}
    assert all(key.startswith(package.value) for key in package.objects)
