"""The templates of the project's macros and models, and their properties in the yml files."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, Template

ROOT = Path(__file__).resolve().parents[2]
_MACRO = re.compile(r"({%-? *macro (\w+).*?{%-? *endmacro *-?%})", re.S)


@dataclass(frozen=True, slots=True)
class Project:
    """The sources of the project: templates of macros and models, and their properties in the yml files.

    `macros` are the project's, and the adapter's (`adapters`) where the project has none of that name.
    `sources` holds the columns of each bronze table.
    """

    macros: Mapping[str, Template]
    adapters: Mapping[str, Template]
    models: Mapping[str, Template]
    columns: Mapping[str, Mapping[str, Any]]
    configs: Mapping[str, Mapping[str, Any]]
    schemas: Mapping[str, str]
    sources: Mapping[str, list[str]]


def load(root: Path = ROOT) -> Project:
    """Read the project in `root`, and the two adapter macros that matter."""
    environment = Environment(extensions=["jinja2.ext.do"], undefined=StrictUndefined)
    adapter = _adapter_macros()
    files = [
        adapter / "materializations/models/incremental/merge.sql",
        adapter / "utils/ddl_dml_data_type.sql",
    ]
    # The adapter's text has invalid escape sequences, which Python warns of.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        adapters = _macros(files, environment)
        macros = {**adapters, **_macros(sorted(root.glob("macros/**/*.sql")), environment)}
    models, columns, schemas = {}, {}, {}
    for file in sorted(root.glob("models/*/*.sql")):
        models[file.stem] = environment.from_string(file.read_text())
        stated = yaml.safe_load(file.with_suffix(".yml").read_text())["models"][0]
        columns[file.stem] = {**stated, "_sql": file.read_text()}
        schemas[file.stem] = file.parent.name
    settings = yaml.safe_load((root / "dbt_project.yml").read_text())["models"]["lakehouse"]
    configs = {layer: {**_configs(settings), **_configs(settings[layer])} for layer in ("silver", "gold")}
    [bronze] = yaml.safe_load((root / "models/sources.yml").read_text())["sources"]
    sources = {table["name"]: [column["name"] for column in table["columns"]] for table in bronze["tables"]}
    return Project(macros, adapters, models, columns, configs, schemas, sources)


def _configs(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name[1:]: value for name, value in settings.items() if name.startswith("+")}


def _macros(files: list[Path], environment: Environment) -> dict[str, Template]:
    """Return a template for each macro, so that calls between macros of one file go through ours, too."""
    found: dict[str, Template] = {}
    for file in files:
        for text, name in _MACRO.findall(file.read_text()):
            found[name] = environment.from_string(text)
    return found


@cache
def _adapter_macros() -> Path:
    found = find_spec("dbt.include.athena") or find_spec("dbt")
    assert found is not None
    folders = found.submodule_search_locations or []
    for folder in folders:
        for place in (Path(folder) / "macros", Path(folder) / "include/athena/macros"):
            if place.is_dir():
                return place
    raise FileNotFoundError("the macros of dbt-athena")
