"""Render the dbt `.yml` files from the contracts: sources, and one file per model.

A state table gets its columns from the bronze contract and its rules from the silver one. Tables have
constraints, which are checked on the staged rows before a reader can see them. Views stage nothing, so they
have tests of their key and of their references instead.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import yaml

from control.contracts import promises, render_ownership, technical
from control.contracts.model import Check, Column, Contract, Test

MARK = "# Rendered by `dm contract sync` from "
_JINJA = re.compile(r"\{[{%#]")
# Developers with their own schemas may share one bronze.
_SOURCE_SCHEMA = '{{ env_var("DM_BRONZE_PREFIX", env_var("DM_SCHEMA_PREFIX", "")) }}bronze'


def render(contracts: Sequence[Contract]) -> dict[str, str]:
    """Return file name below the models folder -> text, for every contract of `contracts`."""
    by_name = {f"{c.layer}.{c.table}": c for c in contracts}
    files = {"sources.yml": _sources([c for c in contracts if c.layer == "bronze"])}
    for contract in contracts:
        for model in _models(contract, by_name):
            path = f"{contract.layer}/{model['name']}.yml"
            files[path] = _header(contract.home, path) + dump({"version": 2, "models": [_literally(model)]})
    for kind, made in (("groups", render_ownership.groups), ("exposures", render_ownership.exposures)):
        if found := made(contracts):
            files[f"{kind}.yml"] = _header("contracts", f"{kind}.yml") + dump(
                {"version": 2, kind: _literally(found)}
            )
    return files


def _literally(value: object) -> object:
    """Return `value` with its braces escaped for dbt, because braces in a contract are not Jinja.

    Arguments of dbt tests stay as they are, because they are written for dbt.
    """
    if isinstance(value, dict):
        return {key: part if key == "arguments" else _literally(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_literally(part) for part in value]
    return _JINJA.sub(r"{{ '\g<0>' }}", value) if isinstance(value, str) else value


def _models(contract: Contract, by_name: Mapping[str, Contract]) -> list[dict[str, object]]:
    if contract.layer == "bronze":
        return []
    state, live = contract.properties.get("stateTable"), contract.properties.get("liveView")
    if state:
        bronze = by_name[str(contract.properties["bronze"])]
        view = _view_model(contract.table, contract, contract.columns)
        return [_state_model(str(state), contract, bronze), view]
    if live:
        shown = tuple(c for c in contract.columns if not c.name.startswith("_"))
        return [_table_model(contract), _view_model(str(live), contract, shown)]
    return [_table_model(contract)]


def _state_model(name: str, silver: Contract, bronze: Contract) -> dict[str, object]:
    """Describe the table behind a live view: bronze's columns, silver's rules and technical columns."""
    rules = {c.state_column or c.name: c for c in silver.columns}
    columns = []
    for column in technical.raw_columns(bronze):
        rule = rules.get(column.name)
        checks = rule.checks if rule and rule.name == column.name else ()
        unique = rule.unique if rule else False
        # A token is null in rows from before its column became personal, whatever bronze requires.
        column = replace(column, required=column.required or (rule is not None and rule.required))
        columns.append(_column(column, _constraints(column, checks, unique, single_key=len(bronze.key) == 1)))
    for added, kind in technical.STATE.items():
        column = Column(added, kind, "", technical.meaning(added), required=True)
        columns.append(_column(column, _constraints(column, (), unique=False, single_key=False)))
    grain = silver.grain.rstrip(".")
    description = f"{grain}, deleted ones included as tombstones: the table behind {silver.table}."
    return _model(name, description, silver, columns, _table_constraints(silver, bronze.key), ())


def _table_model(contract: Contract) -> dict[str, object]:
    single = len(contract.key) == 1
    rules = {c.name: _constraints(c, c.checks, c.unique, single) for c in contract.columns}
    columns = [_column(c, rules[c.name], _tests(c.tests)) for c in contract.columns]
    description = f"{contract.grain} {contract.description}"
    constraints = _table_constraints(contract, contract.key)
    return _model(contract.table, description, contract, columns, constraints, contract.tests)


def _view_model(name: str, contract: Contract, shown: Sequence[Column]) -> dict[str, object]:
    single = len(contract.key) == 1
    columns = []
    for column in shown:
        tests: list[object] = ["not_null", "unique"] if column.key and single else []
        tests += [_relationship(r.table, r.column) for r in column.references]
        columns.append(_column(column, [], tests + _tests(column.tests)))
    if name == contract.table:
        description = f"{contract.grain} {contract.description}"
    else:
        description = f"{contract.table} without the deleted rows and without technical columns."
    # If the contract describes the table behind the view, that table already has the tests.
    stated = contract.tests if name == contract.table else ()
    return _model(name, description, contract, columns, [], stated)


def _model(
    name: str,
    description: str,
    contract: Contract,
    columns: list[dict[str, object]],
    constraints: list[dict[str, object]],
    tests: Sequence[Test],
) -> dict[str, object]:
    model: dict[str, object] = {
        "name": name,
        "description": description,
        "config": {
            "contract": {"enforced": True},
            "group": contract.owner,
            "access": render_ownership.access_of(name, contract),
            "tags": list(contract.tags),
            "meta": _meta(contract),
        },
    }
    if constraints:
        model["constraints"] = constraints
    if tests:
        model["data_tests"] = _tests(tests)
    model["columns"] = columns
    return model


def _meta(contract: Contract) -> dict[str, object]:
    meta: dict[str, object] = {
        "owner": contract.owner,
        "contact": contract.contact,
        "contract": contract.home,
        "contract_version": contract.version,
        "consumers": [c.name for c in contract.consumers],
    }
    if contract.scan_budget is not None:
        meta["budget"] = {"scan": contract.scan_budget}
    return meta


def _column(
    column: Column, constraints: list[dict[str, object]], tests: list[object] | None = None
) -> dict[str, object]:
    data: dict[str, object] = {"name": column.name, "data_type": column.type}
    data["description"] = column.description
    config: dict[str, object] = {}
    if column.tags:
        config["tags"] = list(column.tags)
    if column.classification:
        config["meta"] = {"classification": column.classification}
    if config:
        data["config"] = config
    if constraints:
        data["constraints"] = constraints
    if tests:
        data["data_tests"] = tests
    return data


def _constraints(
    column: Column, checks: Sequence[Check], unique: bool, single_key: bool
) -> list[dict[str, object]]:
    found = []
    if column.required or column.key:
        found.append(_constraint("not_null"))
    if column.key and single_key:
        found.append(_constraint("primary_key"))
    elif unique:
        found.append(_constraint("unique"))
    return found + [_check(check) for check in checks]


def _table_constraints(contract: Contract, key: Sequence[str]) -> list[dict[str, object]]:
    found = [_constraint("primary_key", columns=list(key))] if len(key) > 1 else []
    found += [_constraint("unique", columns=list(group)) for group in contract.unique]
    return found + [_check(check) for check in contract.checks]


def _check(check: Check) -> dict[str, object]:
    return _constraint("check", name=check.name, expression=check.expression)


def _constraint(kind: str, **more: object) -> dict[str, object]:
    # Athena enforces no constraint, and dbt would warn about each; our audit checks them.
    return {"type": kind, **more, "warn_unsupported": False, "warn_unenforced": False}


def _tests(tests: Sequence[Test]) -> list[object]:
    return [_test(t) for t in tests]


def _test(test: Test) -> object:
    body: dict[str, object] = {}
    if test.arguments:
        body["arguments"] = dict(test.arguments)
    if test.description:
        body["description"] = test.description
    if test.severity == "warning":
        body["config"] = {"severity": "warn"}
    return {test.name: body} if body else test.name


def _relationship(table: str, column: str) -> object:
    # A parent may arrive a batch after its child, so a missing one is counted and does not fail the build.
    arguments = {"to": f"ref('{table}')", "field": column}
    return {"relationships": {"arguments": arguments, "config": {"severity": "warn"}}}


def _sources(bronze: Sequence[Contract]) -> str:
    tables: list[dict[str, object]] = []
    for contract in sorted(bronze, key=lambda c: c.table):
        config = {"tags": list(contract.tags), "meta": _meta(contract)}
        freshness = _freshness(contract)
        described = {
            contract.table: (f"{contract.grain} {contract.description}", technical.bronze_columns(contract)),
            f"{contract.table}_events": (
                f"What happened to {contract.table} as a whole: truncates, schema changes, reloads.",
                technical.event_columns(),
            ),
        }
        for name, (description, columns) in described.items():
            shown = [_column(c, []) for c in (*columns, *technical.partition_keys())]
            promised = freshness if name == contract.table else {}
            tables.append(
                {"name": name, "description": description, "config": config | promised, "columns": shown}
            )
    source = {"name": "bronze", "schema": _SOURCE_SCHEMA, "tables": _literally(tables)}
    return _header("contracts/bronze", "sources.yml") + dump({"version": 2, "sources": [source]})


def _freshness(contract: Contract) -> dict[str, object]:
    """Configure `dbt source freshness`: the age since a change was committed, or an extract was read."""
    hours = promises.freshness_hours(contract)
    if hours is None:
        return {}
    count = max(1, round(hours))
    # Only the latest days are read: anything older is late anyway.
    days = max(7, count // 24 + 2)
    return {
        "loaded_at_field": "coalesce(_committed_at, cast(ingest_date as timestamp))",
        "freshness": {
            "error_after": {"count": count, "period": "hour"},
            "filter": f"ingest_date >= cast(current_date - interval '{days}' day as varchar)",
        },
    }


def _header(source: str, path: str) -> str:
    text = f"{MARK}{source}: edit that, then run it again.\n"
    if "/" in path:
        own = path.removesuffix(".yml")
        text += (
            f"# Written by hand: unit tests in models/{own}_tests.yml, singular tests in tests/dbt.\n"
            "# Generic tests are quality rules of the contract (engine: dbt): a model has one entry in dbt.\n"
        )
    return text


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, as hand-written files do, and never writes an alias."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def dump(data: object) -> str:
    """Write `data` as YAML the way this repository lays it out."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
