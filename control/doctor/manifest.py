"""The artifact lint: what manifest.json says that would break a promise, and that no hook can see in time.

Each rule is a config that dbt-athena takes without a word and that loses data, shows half of it, or gets
around the checks before publication. Only our layers (schemas that end in `silver` or `gold`) are judged.
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

# Config -> (the value is bad, why). The config's name is part of the finding's code.
BANNED: dict[str, tuple[Callable[[object], bool], str]] = {
    "force_batch": (bool, "it merges in several commits: readers would see half a merge"),
    "full_refresh": (bool, "it swaps the table under its readers: rebuild it with --vars 'rebuild: true'"),
    "native_drop": (bool, "it drops by Athena alone, which leaves files that a later table may adopt"),
    "external_location": (bool, "two tables may share a place, and a full refresh would empty it"),
    "s3_data_dir": (bool, "places come from the profile, so that no two tables share one"),
    "incremental_predicates": (bool, "a target pruned by a column that can change duplicates its rows"),
    "merge_update_columns": (lambda v: v is not None, "what is not updated stays as an older record left it"),
    "merge_exclude_columns": (bool, "what is not updated stays as an older record left it"),
}
# Macros of ours that take the place of dbt's or the adapter's, and what happens without them.
GUARDS = {
    "safe_create_table_as": "rows are visible before they are checked",
    "should_full_refresh": "--full-refresh swaps tables under their readers",
    "batch_iceberg_merge": "a large merge is several commits, and readers see half of it",
    "make_temp_relation": "a failed unit test is in the way of every later one",
    "generate_schema_name": "developers write into each other's schemas",
    "query_comment": "nobody knows what a run cost",
}
# Hooks of dbt_project.yml, and what happens without them.
HOOKS = {
    "refuse_partial_reads": "`dbt build --sample` counts rows as taken in that it left out",
    "refuse_unchecked_models": "a model that is materialized as a table is swapped under its readers",
    "create_consumed": "no model knows what it took in",
    "take_lease": "two builds can write at once",
    "release_lease": "each build waits until the one before is given up for dead",
}
KEEPS = "keeps-groups"
_STRATEGIES = "only merge is idempotent: a build that is repeated would {} rows"


class _Node(msgspec.Struct):
    """What every node of a manifest has, of any kind and of any dbt since 1.5."""

    resource_type: str
    name: str
    unique_id: str
    config: dict[str, Any]


class _Manifest(msgspec.Struct):
    nodes: dict[str, _Node]
    macros: dict[str, Any]


def read(target: Path) -> Mapping[str, Any]:
    """The manifest in `target`. Raises NotFoundError, UsageError."""
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
    """Every finding in the nodes of our layers, in the order of their ids."""
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
    """Without our macros in place of dbt's own, nothing is checked, and nothing else here would say so."""
    for name, what in GUARDS.items():
        if f"macro.lakehouse.{name}" not in manifest["macros"]:
            message = f"the project has no macro {name}, so {what}: bring macros/ back"
            yield Finding("guard", "error", "macros", message)
    hooks = " ".join(
        node.get("raw_code") or ""
        for node in manifest["nodes"].values()
        if node["resource_type"] == "operation"
    )
    for name, what in HOOKS.items():
        if f"{name}()" not in hooks:
            message = f"no hook of the run calls {name}(), so {what}: bring dbt_project.yml back"
            yield Finding("hook", "error", "dbt_project.yml", message)


def _judge(node: Node) -> Iterator[tuple[str, str]]:
    match node["resource_type"]:
        case "model":
            yield from _model(node)
        case "snapshot":
            yield "kind-snapshot", "snapshots write past the checks before publication: write a state model"
        case "seed" if node["config"].get("contract", {}).get("enforced"):
            yield "kind-seed", "a contract on a seed is not checked: load it as a raw file"


def _model(node: Node) -> Iterator[tuple[str, str]]:
    config = node["config"]
    if node.get("language") == "python":
        yield "kind-python", "Python models write past the checks before publication: use Spark jobs or SQL"
    if not config.get("contract", {}).get("enforced"):
        yield "contract", "it has no enforced contract, so nothing is checked: dm contract sync writes one"
    if config.get("pre-hook"):
        yield "pre-hook", "a pre-hook can change a table before anything is checked: make it a model"
    if any("record_consumed" not in hook.get("sql", "") for hook in config.get("post-hook", [])):
        yield (
            "post-hook",
            "a post-hook changes what was checked after the check: only record_consumed() may be one",
        )
    if config.get("sql_header"):
        yield "sql-header", "a statement before the query escapes every check: leave it out"
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
        yield "naming", "without a *_unique naming a full refresh deletes the table's own files"
    if str((config.get("table_properties") or {}).get("format_version", "2")) != "2":
        yield "format-version", "Athena writes format version 2 only"
    if not config.get("unique_tmp_table_suffix"):
        yield "tmp-suffix", "two builds would share one staged table: set unique_tmp_table_suffix"
    if any((config.get("persist_docs") or {}).values()):
        yield "persist-docs", "it can write an old metadata pointer back, and undo a commit"
    if config.get("on_schema_change") not in ("append_new_columns", "fail"):
        yield "schema-change", "only append_new_columns leaves what is there alone"
    if not any("record_consumed" in hook.get("sql", "") for hook in config.get("post-hook", [])):
        yield "consumed", "without the post-hook record_consumed() it takes in the same batches for ever"


def _rows(node: Node) -> Iterator[tuple[str, str]]:
    """Which rows the MERGE takes for the same one, and whether one that is no more can go."""
    config = node["config"]
    given, key = config.get("unique_key") or [], _key(node)
    names = [given] if isinstance(given, str) else list(given)
    if not names:
        yield "unique-key", "a merge without unique_key repeats rows"
    elif key and set(names) != set(key):
        yield (
            "unique-key",
            f"unique_key is {', '.join(names)}, and the key of its contract {', '.join(key)}: the merge takes"
            " other rows for the same one than its readers do. Make them the same",
        )
    if not config.get("delete_condition") and "_deleted" not in node.get("columns", {}):
        yield (
            KEEPS,
            "no row ever leaves it: a group that is gone stays as it was. Let its last select read from"
            " changed_groups(), unless that is meant",
        )


def _key(node: Node) -> list[str]:
    """The key by the model's constraints, as `dm contract sync` renders it; empty where none is stated."""
    for constraint in node.get("constraints", []):
        if constraint["type"] == "primary_key":
            return list(constraint["columns"])
    return [
        name
        for name, column in node.get("columns", {}).items()
        if any(constraint["type"] == "primary_key" for constraint in column.get("constraints", []))
    ]
