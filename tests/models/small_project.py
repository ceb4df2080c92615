"""A dbt project of a few small models, with the macros and settings of the real one."""

from collections.abc import Mapping
from pathlib import Path

import loaded_dbt
import yaml
from bronze_lake import ROOT, Lake, clean_environment


def create(folder: Path) -> None:
    """Create a project without models in `folder`; it builds into silver."""
    settings = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    settings["macro-paths"] = [str(ROOT / "macros")]
    settings["models"]["lakehouse"]["+schema"] = "silver"
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    (folder / "models").mkdir()


def write(
    folder: Path,
    name: str,
    columns: Mapping[str, tuple[str, str]],
    more: str = "",
    materialized: str = "incremental",
) -> None:
    """Write a model with a contract: a key, and `columns` with their types in contract and query."""
    selected = ", ".join(f"{sql} as {column}" for column, (_, sql) in columns.items())
    (folder / f"models/{name}.sql").write_text(f"select cast(1 as bigint) as id, {selected}{more}\n")
    not_null = [{"type": "not_null", "warn_unsupported": False, "warn_unenforced": False}]
    stated = [{"name": "id", "data_type": "bigint", "constraints": not_null}]
    stated += [
        {"name": column, "data_type": kind, "constraints": []} for column, (kind, _) in columns.items()
    ]
    model = {"name": name, "config": {"unique_key": "id", "materialized": materialized}, "columns": stated}
    (folder / f"models/{name}.yml").write_text(yaml.safe_dump({"version": 2, "models": [model]}))


def run(
    folder: Path, lake: Lake, *, command: str = "run", more: tuple[str, ...] = (), expect: int = 0
) -> str:
    """Run `dbt run` (or another command) on all models and return its output."""
    arguments = ("--no-use-colors", command, *more, "--profiles-dir", str(ROOT / "profiles"))
    done = loaded_dbt.run(arguments, folder, clean_environment() | {"AWS_ENDPOINT_URL": lake.endpoint})
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout
