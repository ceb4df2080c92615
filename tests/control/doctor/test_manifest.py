"""The lint of dbt's manifest: a good model passes, and each config that breaks a promise is named."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from control.cli.doctor import command
from control.doctor.manifest import GUARDS, HOOKS, lint, read
from control.errors import UsageError

GOOD: dict[str, Any] = {
    "unique_id": "model.lakehouse.things_state",
    "name": "things_state",
    "resource_type": "model",
    "schema": "silver",
    "language": "sql",
    "original_file_path": "models/silver/things_state.sql",
    "columns": {
        "thing_id": {"constraints": [{"type": "not_null"}, {"type": "primary_key"}]},
        "_deleted": {"constraints": []},
    },
    "config": {
        "materialized": "incremental",
        "incremental_strategy": "merge",
        "table_type": "iceberg",
        "unique_key": "thing_id",
        "on_schema_change": "append_new_columns",
        "unique_tmp_table_suffix": True,
        "persist_docs": {"relation": False, "columns": False},
        "contract": {"enforced": True},
        "post-hook": [{"sql": "{{ record_consumed() }}"}],
        "full_refresh": None,
    },
}


HOOK = {
    "unique_id": "operation.lakehouse.hooks",
    "name": "hooks",
    "config": {},
    "resource_type": "operation",
    "schema": "ops",
    "raw_code": " ".join(f"{{{{ {h}() }}}}" for h in HOOKS),
}


def manifest(**config: Any) -> dict[str, Any]:
    node = copy.deepcopy(GOOD)
    node["config"] |= config
    nodes = {node["unique_id"]: node, "operation.lakehouse.hooks": copy.deepcopy(HOOK)}
    return {"nodes": nodes, "macros": {f"macro.lakehouse.{name}": {} for name in GUARDS}}


def test_a_model_written_as_in_this_project_has_no_finding() -> None:
    assert lint(manifest()) == []


def test_an_ephemeral_model_is_checked_in_the_models_that_read_it() -> None:
    assert lint(manifest(materialized="ephemeral", contract={"enforced": False})) == []


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"force_batch": True}, "config-force_batch"),
        ({"full_refresh": True}, "config-full_refresh"),
        ({"native_drop": True}, "config-native_drop"),
        ({"external_location": "s3://lake/x"}, "config-external_location"),
        ({"s3_data_dir": "s3://lake/x"}, "config-s3_data_dir"),
        ({"incremental_predicates": ["target.month = 1"]}, "config-incremental_predicates"),
        ({"merge_update_columns": []}, "config-merge_update_columns"),
        ({"merge_exclude_columns": ["a"]}, "config-merge_exclude_columns"),
        ({"materialized": "table"}, "swap"),
        ({"incremental_strategy": "append"}, "strategy"),
        ({"incremental_strategy": "microbatch"}, "strategy"),
        ({"unique_key": None}, "unique-key"),
        ({"unique_key": "thing_name"}, "unique-key"),
        ({"unique_key": ["thing_id", "thing_name"]}, "unique-key"),
        ({"table_type": "hive"}, "table-type"),
        ({"s3_data_naming": "schema_table"}, "naming"),
        ({"table_properties": {"format_version": "3"}}, "format-version"),
        ({"unique_tmp_table_suffix": False}, "tmp-suffix"),
        ({"persist_docs": {"columns": True}}, "persist-docs"),
        ({"on_schema_change": "sync_all_columns"}, "schema-change"),
        ({"contract": {"enforced": False}}, "contract"),
        ({"post-hook": []}, "consumed"),
        ({"pre-hook": [{"sql": "delete from {{ this }}"}]}, "pre-hook"),
        ({"post-hook": [*GOOD["config"]["post-hook"], {"sql": "update x"}]}, "post-hook"),
        ({"sql_header": "set session x = 1"}, "sql-header"),
    ],
)
def test_each_config_that_breaks_a_promise_is_named(config: dict[str, Any], code: str) -> None:
    assert [finding.code for finding in lint(manifest(**config))] == [code]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"language": "python"}, "kind-python"),
        ({"resource_type": "snapshot"}, "kind-snapshot"),
        ({"resource_type": "seed"}, "kind-seed"),
    ],
)
def test_a_node_that_bypasses_the_checks_is_refused(change: dict[str, Any], code: str) -> None:
    found = manifest()
    found["nodes"]["model.lakehouse.things_state"] |= change
    assert [finding.code for finding in lint(found)] == [code]


@pytest.mark.parametrize("name", GUARDS)
def test_a_project_without_one_of_its_guards_is_refused(name: str) -> None:
    found = manifest()
    del found["macros"][f"macro.lakehouse.{name}"]
    assert [(finding.code, name in finding.message) for finding in lint(found)] == [("guard", True)]


@pytest.mark.parametrize("name", HOOKS)
def test_a_project_without_the_lease_hooks_is_refused(name: str) -> None:
    found = manifest()
    hook = found["nodes"]["operation.lakehouse.hooks"]
    hook["raw_code"] = hook["raw_code"].replace(f"{name}()", "")
    assert [(finding.code, name in finding.message) for finding in lint(found)] == [("hook", True)]


def test_a_view_needs_only_a_contract() -> None:
    assert lint(manifest(materialized="view", incremental_strategy=None, unique_key=None)) == []


def test_schemas_that_are_not_ours_are_ignored() -> None:
    found = manifest(materialized="table")
    found["nodes"]["model.lakehouse.things_state"]["schema"] = "sandbox"
    assert lint(found) == []


def test_the_command_exits_1_on_an_error_and_without_a_manifest_says_what_to_run(tmp_path: Path) -> None:
    arguments = ["--offline", "--json", "--target", str(tmp_path)]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest(force_batch=True)))
    refused = CliRunner().invoke(command, arguments)
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["findings"][0]["where"] == "models/silver/things_state.sql"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest()))
    assert CliRunner().invoke(command, arguments).exit_code == 0
    (tmp_path / "manifest.json").unlink()
    assert "dbt parse" in getattr(CliRunner().invoke(command, arguments).exception, "hint", "")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[1]",
        b'{"nodes": {}',
        b'{"nodes": [], "macros": {}}',
        b'{"nodes": {}}',
        b'{"nodes": {"model.a.b": {}}, "macros": {}}',
        b'{"nodes": {"\xff": {}}, "macros": {}}',
        b"[" * 100_000,
    ],
)
def test_an_invalid_manifest_is_a_usage_error_not_a_finding(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(text)
    with pytest.raises(UsageError, match="is not dbt's manifest"):
        read(tmp_path)


def test_a_composite_key_is_compared_ignoring_the_order() -> None:
    found = manifest(unique_key=["part", "thing_id"])
    node = found["nodes"]["model.lakehouse.things_state"]
    node["constraints"] = [{"type": "primary_key", "columns": ["thing_id", "part"]}]
    assert lint(found) == []
    node["config"]["unique_key"] = ["part"]
    [finding] = lint(found)
    assert "unique_key is part, but the key in its contract is thing_id, part" in finding.message


def test_a_table_that_never_loses_rows_has_a_warning() -> None:
    found = manifest()
    del found["nodes"]["model.lakehouse.things_state"]["columns"]["_deleted"]
    [finding] = lint(found)
    assert (finding.code, finding.severity) == ("keeps-groups", "warning")
    found["nodes"]["model.lakehouse.things_state"]["config"]["delete_condition"] = "src.thing_count = 0"
    assert lint(found) == []
