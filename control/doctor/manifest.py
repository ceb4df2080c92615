"""Lint dbt's manifest.json for configs that would break a promise and that no hook can see in time.

Each rule is about a config that dbt-athena accepts silently but that loses data, shows part of it, or
bypasses the checks before publication. Only our layers (schemas that end in `silver` or `gold`) are checked.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from control.errors import NotFoundError, UsageError
from control.model import Finding
from control.serialization import NOT_JSON

LAYERS = ("silver", "gold")
Node = Mapping[str, Any]

# Config -> (whether a value is bad, why). The config's name is part of the finding's code.
BANNED: dict[str, tuple[Callable[[object], bool], str]] = {
    "force_batch": (bool, "it merges in several commits: readers would see half a merge"),
    "full_refresh": (bool, "it swaps the table under its readers: rebuild it with --vars 'rebuild: true'"),
    "native_drop": (bool, "it drops through Athena only, which leaves files that a later table may adopt"),
    "external_location": (bool, "two tables may share a location, and a full refresh would empty it"),
    "s3_data_dir": (bool, "locations come from the profile, so that no two tables share one"),
    "incremental_predicates": (bool, "pruning the target by a column that can change duplicates rows"),
    "merge_update_columns": (lambda v: v is not None, "columns left out keep the values of an older record"),
    "merge_exclude_columns": (bool, "columns left out keep the values of an older record"),
}
# Our macros that override dbt's or the adapter's, and what happens without them.
GUARDS = {
    "safe_create_table_as": "rows are visible before they are checked",
    "should_full_refresh": "--full-refresh swaps tables under their readers",
    "batch_iceberg_merge": "a large merge is several commits, and readers see half of it",
    "make_temp_relation": "a failed unit test makes every later one fail",
    "generate_schema_name": "developers write into each other's schemas",
    "query_comment": "the cost of a run is unknown",
    "is_incremental": "a model with a filter of its own keeps rows of its old query",
}
# Hooks of dbt_project.yml, and what happens without them.
HOOKS = {
    "refuse_partial_reads": "`dbt build --sample` marks rows as consumed that it left out",
    "refuse_unchecked_models": "a model that is materialized as a table is swapped under its readers",
    "refuse_shared_names": "of two models that have the same name in two schemas, one may miss rows",
    "create_consumed": "models do not record what they consumed",
    "take_lease": "two builds can write at once",
    "release_lease": "each build waits until the lease of the one before expires",
}
KEEPS = "keeps-groups"
_STRATEGIES = "only merge is idempotent: a repeated build would {} rows"


class _Node(msgspec.Struct):
    """The fields that all kinds of nodes have, in every version of dbt since 1.5."""

    resource_type: str
    name: str
    unique_id: str
    config: dict[str, Any]


class _Manifest(msgspec.Struct):
    nodes: dict[str, _Node]
    macros: dict[str, Any]


def read(target: Path) -> Mapping[str, Any]:
    """Read the manifest in `target`. Raises NotFoundError, UsageError."""
    file = target / "manifest.json"
    try:
        found: Mapping[str, Any] = msgspec.json.decode(file.read_bytes())
        msgspec.convert(found, _Manifest)
    except FileNotFoundError:
        raise NotFoundError(f"{file} does not exist", hint="run dbt parse first, or name --target") from None
    except NOT_JSON as error:
        raise UsageError(f"{file} is not dbt's manifest.json: {error}", hint="run dbt parse again") from None
    return found


def lint(manifest: Mapping[str, Any]) -> list[Finding]:
    """Return all findings: about the project, then about the nodes of our layers, by id."""
    found = list(_project(manifest))
    for _, node in sorted(manifest["nodes"].items()):
        if str(node.get("schema", "")).endswith(LAYERS):
            found += [
                Finding(
                    code,
                    "warning" if code == KEEPS else "error",
                    node.get("original_file_path") or node["unique_id"],
                    f"{node['name']}: {why}",
                )
                for code, why in _judge(node)
            ]
    return found


def _project(manifest: Mapping[str, Any]) -> Iterator[Finding]:
    """Check that our macros and hooks are in place; without them, nothing is checked before publication."""
    for name, what in GUARDS.items():
        if f"macro.lakehouse.{name}" not in manifest["macros"]:
            message = f"the project has no macro {name}, so {what}: restore macros/"
            yield Finding("guard", "error", "macros", message)
    hooks = " ".join(
        node.get("raw_code") or ""
        for node in manifest["nodes"].values()
        if node["resource_type"] == "operation"
    )
    for name, what in HOOKS.items():
        if f"{name}()" not in hooks:
            message = f"no hook of the run calls {name}(), so {what}: restore dbt_project.yml"
            yield Finding("hook", "error", "dbt_project.yml", message)


def _judge(node: Node) -> Iterator[tuple[str, str]]:
    match node["resource_type"]:
        case "model":
            yield from _model(node)
        case "snapshot":
            yield "kind-snapshot", "snapshots bypass the checks before publication: write a state model"
        case "seed" if node["config"].get("contract", {}).get("enforced"):
            yield "kind-seed", "a contract on a seed is not checked: load it as a raw file"


def _model(node: Node) -> Iterator[tuple[str, str]]:
    config = node["config"]
    if config.get("materialized") == "ephemeral":  # it is checked in the models that read it
        return
    if node.get("language") == "python":
        yield "kind-python", "Python models bypass the checks before publication: use Spark jobs or SQL"
    if not config.get("contract", {}).get("enforced"):
        yield "contract", "it has no enforced contract, so nothing is checked: dm contract sync writes one"
    if config.get("pre-hook"):
        yield "pre-hook", "a pre-hook can change a table before anything is checked: make it a model"
    if any("record_consumed" not in hook.get("sql", "") for hook in config.get("post-hook", [])):
        yield (
            "post-hook",
            "a post-hook could change the table after the check: only record_consumed() is allowed",
        )
    if config.get("sql_header"):
        yield "sql-header", "a statement before the query bypasses every check: remove it"
    if config.get("materialized") == "view":
        return
    yield from _table(config)
    yield from _rows(node)
    for name, (is_bad, why) in BANNED.items():
        if is_bad(config.get(name)):
            yield f"config-{name}", why


def _table(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if config.get("materialized") != "incremental":
        yield (
            "swap",
            f"materialized {config.get('materialized')} swaps the table under its readers: use incremental",
        )
        return
    strategy = config.get("incremental_strategy")
    if strategy != "merge":
        yield "strategy", _STRATEGIES.format("repeat" if strategy == "append" else "lose or repeat")
    if config.get("table_type") != "iceberg":
        yield "table-type", "only Iceberg tables change in one commit"
    if "unique" not in (config.get("s3_data_naming") or "unique"):
        yield "naming", "without a *_unique naming, a full refresh deletes the table's own files"
    if str((config.get("table_properties") or {}).get("format_version", "2")) != "2":
        yield "format-version", "Athena writes format version 2 only"
    if not config.get("unique_tmp_table_suffix"):
        yield "tmp-suffix", "two builds would share one staged table: set unique_tmp_table_suffix"
    if any((config.get("persist_docs") or {}).values()):
        yield "persist-docs", "it can write an old metadata pointer back, and undo a commit"
    if config.get("on_schema_change") not in ("append_new_columns", "fail"):
        yield "schema-change", "only append_new_columns leaves existing columns alone"
    if not any("record_consumed" in hook.get("sql", "") for hook in config.get("post-hook", [])):
        yield "consumed", "without the post-hook record_consumed(), it reads the same batches in every build"


def _rows(node: Node) -> Iterator[tuple[str, str]]:
    """Check which rows the MERGE matches, and whether rows that no longer exist are removed."""
    config = node["config"]
    given, key = config.get("unique_key") or [], _key(node)
    names = [given] if isinstance(given, str) else list(given)
    if not names:
        yield "unique-key", "a merge without unique_key duplicates rows"
    elif key and set(names) != set(key):
        yield (
            "unique-key",
            f"unique_key is {', '.join(names)}, but the key in its contract is {', '.join(key)}: make them"
            " the same, or the merge matches other rows than its readers expect",
        )
    if not config.get("delete_condition") and "_deleted" not in node.get("columns", {}):
        yield (
            KEEPS,
            "it never deletes a row: a group that no longer exists keeps its last row. Unless that is"
            " intended, let its last select read from changed_groups()",
        )


def _key(node: Node) -> list[str]:
    """Return the key from the model's constraints, as `dm contract sync` renders it; empty if none."""
    for constraint in node.get("constraints", []):
        if constraint["type"] == "primary_key":
            return list(constraint["columns"])
    return [
        name
        for name, column in node.get("columns", {}).items()
        if any(constraint["type"] == "primary_key" for constraint in column.get("constraints", []))
    ]
