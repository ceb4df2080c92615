"""Render the project's macros and models as dbt does, and run the SQL on a lake in memory.

The SQL comes from the macros themselves, and the MERGE from the adapter. Only dbt's context is replaced:
`ref`, `source`, `this`, `config`, `run_query` and the like.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, Template
from memory_lake import MemoryLake
from project_sources import Project

# The order in which dbt would build the models.
MODELS = (
    *(f"{name}_state" for name in ("breweries", "beers", "profiles", "reviews")),
    *("breweries", "beers", "profiles", "reviews", "review_flat", "reviews_enriched"),
    "top_beers_by_rating",
    "top_breweries_by_rating",
    "top_styles_by_popularity",
    "state_by_review_volume",
    "top_drinkers",
)
STATES, FLAT, GOLD = MODELS[:4], MODELS[8], MODELS[10:]
CONSUMED = [
    ("model", "string"),
    ("input", "string"),
    ("table_uuid", "string"),
    ("snapshot_id", "bigint"),
    ("batch", "bigint"),
    ("build", "string"),
]


_MARK = re.compile(r"consumes \S+ of \S+: \w+ (?P<head>\d+) after (?P<consumed>\d+)")


class _ReturnError(Exception):
    """Carries what a macro gave to `return` up to the macro's call."""

    def __init__(self, value: Any) -> None:
        self.value = value


class CrashError(Exception):
    """dbt dies before one of its statements."""


class BuildFailedError(Exception):
    """A model that raised a compiler error."""


class Row(tuple):
    """A row as in dbt's results."""

    def values(self) -> tuple[Any, ...]:
        return tuple(self)


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation that renders as its name in SQL."""

    schema: str
    identifier: str

    def __str__(self) -> str:
        return f'"{self.schema}"."{self.identifier}"'


@dataclass(slots=True)
class Dbt:
    """Builds a project on a lake. `variables` are what `--vars` would give."""

    project: Project
    lake: MemoryLake
    variables: dict[str, Any] = field(default_factory=dict)
    builds: int = 0
    audits: bool = False
    graph: dict[str, Any] = field(default_factory=dict)

    def build(self, *models: str) -> None:
        """Build these models (all of them if none is named) as one invocation."""
        self._start()
        for name in models or MODELS:
            _Model(self, name).build()

    def call(self, model: str, macro: str, *args: Any, **kwargs: Any) -> Any:
        """Return the result of a macro in the context of a model."""
        one = _Model(self, model)
        one.context = one._context()
        return one._call(macro, *args, **kwargs)

    def waiting(self) -> list[str]:
        """Return what the next build would consume: marks of inputs whose head is not the consumed batch."""
        self._start()
        rendered = "".join(_Model(self, name).render() for name in MODELS)
        return [mark[0] for mark in _MARK.finditer(rendered) if mark["head"] != mark["consumed"]]

    def _start(self) -> None:
        """Begin an invocation, as `on-run-start` does."""
        self.builds += 1
        self.graph = {"sources": _graph(self.project)}
        self.call(next(iter(self.project.models)), "read_consumed")
        # Fingerprints need dbt's own renderer: test_changed_queries.py tests them.
        self.graph.pop("queries", None)


@dataclass(slots=True)
class _Model:
    """One model in one build: its context, and the macros bound to it."""

    dbt: Dbt
    name: str
    results: dict[str, Any] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)
    given: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    _loaded: dict[int, Any] = field(default_factory=dict)

    @property
    def this(self) -> Relation:
        return Relation(self.dbt.project.schemas[self.name], self.name)

    @property
    def exists(self) -> bool:
        return (self.this.schema, self.this.identifier) in self.dbt.lake.iceberg

    def render(self) -> str:
        """The model's SQL as dbt would compile it now."""
        self.context = self._context()
        template = self.dbt.project.models[self.name]
        # `config` must be known before the rest is rendered, as in dbt, where parsing finds it.
        self.given.update(self._stated_config(template))
        return template.render(self.context)

    def build(self) -> None:
        lake, this = self.dbt.lake, self.this
        sql = self.render()
        if self.given.get("materialized") == "view":
            lake.create_view(this.schema, this.identifier, sql)
            return
        self.context["model"].compiled_code = sql
        self._run_hook("pre-hook")
        if not self.exists:
            lake.create_table_as(this.schema, this.identifier, sql)
        else:
            self._merge(sql)
        self._run_hook("post-hook")

    def _run_hook(self, name: str) -> None:
        if "record_consumed" in self.given.get(name, ""):
            recorded = self._call("record_consumed").strip()
            if recorded:
                self.dbt.lake.insert(recorded)

    def _merge(self, sql: str) -> None:
        lake, staged = self.dbt.lake, Relation("ops", f"{self.name}__tmp")
        if self._call("nothing_new"):
            if self.dbt.audits:
                self._call("stage_nothing", staged, sql)
            return
        lake.create_table_as(staged.schema, staged.identifier, sql)
        self._add_columns(staged)
        if self.dbt.audits:
            self._call("audit_before_publish", staged, merges=True)
        if self.given["incremental_strategy"] == "append":
            lake.merge(
                f"merge into {self.this} target using {staged} src on 1 = 2 {_insert_all(lake, staged)}"
            )
            lake.drop(staged.schema, staged.identifier)
            return
        last = self._call(
            "iceberg_merge",
            on_schema_change="append_new_columns",
            tmp_relation=staged,
            target_relation=self.this,
            unique_key=self.given["unique_key"],
            incremental_predicates=None,
            existing_relation=self.this,
            delete_condition=self.given.get("delete_condition"),
            update_condition=self.given.get("update_condition"),
            insert_condition=self.given.get("insert_condition"),
            force_batch=False,
        )
        if last.startswith("insert"):
            lake.insert(last)
        lake.drop(staged.schema, staged.identifier)

    def _add_columns(self, staged: Relation) -> None:
        """`on_schema_change: append_new_columns`."""
        lake, this = self.dbt.lake, self.this
        lake.add_columns(
            (this.schema, this.identifier), lake.iceberg[staged.schema, staged.identifier].columns
        )

    def _stated_config(self, template: Template) -> dict[str, Any]:
        layer = dict(self.dbt.project.configs[self.this.schema])
        text = re.search(r"{{ *(config\(.*?\)) *}}\n", _source(self.dbt.project, self.name), re.S)
        found: dict[str, Any] = {}
        if text is not None:
            environment = Environment(extensions=["jinja2.ext.do"])
            environment.from_string("{{ " + text[1] + " }}").render(
                {**self.context, "config": lambda **kw: found.update(kw) or ""}
            )
        return {**layer, **found}

    # --- macros --------------------------------------------------------------------------------------------

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._call_of(self.dbt.project.macros[name], name, *args, **kwargs)

    def _call_of(self, template: Template, name: str, *args: Any, **kwargs: Any) -> Any:
        if id(template) not in self._loaded:
            self._loaded[id(template)] = template.make_module(self.context)
        try:
            return str(getattr(self._loaded[id(template)], name)(*args, **kwargs))
        except _ReturnError as returned:
            return returned.value

    def _context(self) -> dict[str, Any]:
        dbt, lake = self.dbt, self.dbt.lake
        stated = dbt.project.columns[self.name]
        context: dict[str, Any] = {
            name: (lambda *a, _n=name, **k: self._call(_n, *a, **k)) for name in dbt.project.macros
        }
        adapters = {
            name: (lambda *a, _t=template, _n=name, **k: self._call_of(_t, _n, *a, **k))
            for name, template in dbt.project.adapters.items()
        }
        context |= {
            "dbt": SimpleNamespace(**adapters),
            "model": SimpleNamespace(
                name=self.name,
                resource_type="model",
                columns={column["name"]: _column(column) for column in stated["columns"]},
                constraints=[_constraint(one) for one in stated.get("constraints", [])],
                sources=_sources(dbt.project, self.name),
                refs=[{"name": name} for name in re.findall(r"ref\('(\w+)'\)", stated["_sql"])],
                compiled_code="",
            ),
            "config": _Config(self.given),
            "graph": dbt.graph,
            "this": self.this,
            "execute": True,
            "flags": SimpleNamespace(WHICH="build", EMPTY=False),
            "var": lambda key, default=None: dbt.variables.get(key, default),
            "env_var": lambda key, default="": default,
            "target": SimpleNamespace(database="awsdatacatalog", schema="ops"),
            "modules": SimpleNamespace(re=re),
            "run_started_at": datetime.fromtimestamp(dbt.builds, UTC),
            "invocation_id": f"{dbt.builds:08d}",
            "api": SimpleNamespace(Relation=SimpleNamespace(create=_create)),
            "adapter": self._adapter(),
            "exceptions": SimpleNamespace(raise_compiler_error=_fail),
            "return": _return,
            "zip": zip,
            "log": lambda *_: "",
            "ref": lambda name: Relation(dbt.project.schemas[name], name),
            "source": lambda schema, name: Relation(schema, name),
            "has_table": lambda: self.exists,
            "load_relation": self._relation_or_none,
            "load_cached_relation": self._relation_or_none,
            "drop_relation": lambda relation: lake.drop(relation.schema, relation.identifier) or "",
            "run_query": self._run_query,
            "load_result": self._load_result,
            "store_result": self._store_result,
            "process_schema_changes": lambda *_: None,
            "generate_schema_name": lambda *_: "ops",
        }
        return context

    def _adapter(self) -> SimpleNamespace:
        lake = self.dbt.lake

        def location(table: Relation) -> dict[str, Any] | None:
            found = lake.iceberg.get((table.schema, table.identifier))
            if found is None:
                return None
            return {"Table": {"StorageDescriptor": {"Location": f"s3://lake/{found.identity}"}}}

        def columns(table: Relation) -> list[SimpleNamespace]:
            found = lake.iceberg.get((table.schema, table.identifier))
            return [
                SimpleNamespace(name=n, column=n, quoted=f'"{n}"', data_type=t.hive, dtype=t.hive)
                for n, t in (found.columns if found else ())
            ]

        def merge(sql: str) -> str:
            lake.merge(sql)
            return "OK"

        return SimpleNamespace(
            get_glue_table=location,
            get_columns_in_relation=columns,
            run_query_with_partitions_limit_catching=merge,
        )

    def _relation_or_none(self, relation: Relation) -> Relation | None:
        return relation if self.dbt.lake.find(relation.schema, relation.identifier, None) else None

    def _run_query(self, sql: str) -> SimpleNamespace:
        _, rows = self.dbt.lake.query(sql)
        return SimpleNamespace(rows=[Row(row) for row in rows])

    def _load_result(self, name: str) -> SimpleNamespace | None:
        """Return a stored result once, as dbt does: asking again is an error until it is stored again."""
        found = self.results.get(name)
        if found is None:
            return None
        assert name not in self.loaded, f"the result {name!r} has already been loaded"
        self.loaded.add(name)
        return found

    def _store_result(self, name: str, response: Any, agate_table: Any = None) -> str:
        self.results[name] = SimpleNamespace(response=response, table=agate_table)
        self.loaded.discard(name)
        return ""


class _Config:
    """`config(…)` in a model or in a macro that it calls, `config.get(…)` in a macro."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def __call__(self, **stated: Any) -> str:
        self._given.update(stated)
        return ""

    def get(self, key: str, default: Any = None) -> Any:
        return self._given.get(key, default)


def _column(stated: Mapping[str, Any]) -> SimpleNamespace:
    meta = stated.get("config", {}).get("meta", {})
    return SimpleNamespace(
        name=stated["name"],
        data_type=stated["data_type"],
        constraints=[_constraint(one) for one in stated.get("constraints", [])],
        config=SimpleNamespace(meta=SimpleNamespace(classification=meta.get("classification", ""))),
    )


def _graph(project: Project) -> dict[str, SimpleNamespace]:
    """Return the sources as in dbt's graph."""
    return {
        name: SimpleNamespace(source_name="bronze", name=name, columns=dict.fromkeys(columns))
        for name, columns in project.sources.items()
    }


def _constraint(stated: Mapping[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**{"name": None, "expression": None, "columns": [], **stated})


def _insert_all(lake: MemoryLake, staged: Relation) -> str:
    """Write what the strategy `append` does as the clause of a MERGE that matches nothing."""
    columns = [name for name, _ in lake.iceberg[staged.schema, staged.identifier].columns]
    values = ", ".join(f"src.{name}" for name in columns)
    return f"when not matched then insert ({', '.join(columns)}) values ({values})"


def _create(database: str, schema: str, identifier: str, type: str) -> Relation:  # noqa: A002
    return Relation(schema, identifier)


def _return(value: Any) -> None:
    raise _ReturnError(value)


def _fail(message: str) -> None:
    raise BuildFailedError(message)


def _source(project: Project, name: str) -> str:
    return str(project.columns[name]["_sql"])


def _sources(project: Project, name: str) -> list[list[str]]:
    return [list(pair) for pair in re.findall(r"source\('(\w+)', '(\w+)'\)", _source(project, name))]
