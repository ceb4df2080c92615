"""Build tables, raw containers, data contracts and dashboards from contracts and dbt's artefacts."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from control.catalog import columns
from control.catalog.columns import tag
from control.catalog.model import Entity, Names, reference
from control.catalog.prerequisites import CLASSIFICATION
from control.catalog.project import Artefacts, Exposure, Relation
from control.contracts.model import Contract
from control.contracts.promises import freshness_hours

# The tier of each layer, which says how far a failure reaches; the contract's property `tier` overrides it.
_TIERS = {"gold": "Tier.Tier1", "silver": "Tier.Tier2", "bronze": "Tier.Tier3"}
# The state of a contract by its status in the file.
_STATES = {
    "proposed": "Draft", "draft": "Draft", "active": "Approved", "deprecated": "Deprecated",
    "retired": "Archived",
}  # fmt: skip
Terms = Mapping[str, Mapping[str, str]]


def relations_of(contract: Contract) -> tuple[str, ...]:
    """Return the tables and views that a contract describes, the contracted one first."""
    names = dict.fromkeys((contract.table, *contract.models))
    return tuple(f"{contract.layer}.{name}" for name in names)


def tables(contracts: Iterable[Contract], found: Artefacts, names: Names, terms: Terms) -> Iterator[Entity]:
    """Yield every contracted relation that has been built."""
    for contract in contracts:
        for relation in relations_of(contract):
            if relation in found.relations:
                yield _table(contract, relation, found.relations[relation], names, terms)


def containers(
    contracts: Iterable[Contract], fields: Mapping[str, Iterable[str]], names: Names
) -> Iterator[Entity]:
    """Yield the folder of each table's raw files, with the `fields` of its records (by table)."""
    for contract in contracts:
        if contract.layer != "bronze":
            continue
        prefix = f"raw/{contract.table}"
        model = {"isPartitioned": False, "columns": columns.raw(fields.get(contract.table, ()), contract)}
        payload = {
            "name": contract.table,
            "service": names.storage,
            "parent": reference("container", f"{names.storage}.{names.bucket}"),
            "description": f"Raw files of the source's table {contract.table}, as they landed.",
            "prefix": f"/{prefix}",
            "fullPath": f"s3://{names.bucket}/{prefix}",
            "fileFormats": ["csv", "json", "gz"],
            "dataModel": model,
            **_ownership(contract),
        }
        fixed = ("service", "parent", "fileFormats")
        yield Entity("container", names.container(contract.table), payload, fixed=fixed)


def agreements(contracts: Iterable[Contract], found: Artefacts, names: Names) -> Iterator[Entity]:
    """Yield the data contract of each contracted relation that has been built."""
    for contract in contracts:
        relation = f"{contract.layer}.{contract.table}"
        built = found.relations.get(relation)
        if built is None:
            continue
        stated = [pair for pair in built.columns if contract.column(pair[0])]
        name = f"{contract.layer}_{contract.table}"
        payload = {
            "name": name,
            "displayName": contract.name,
            "entity": reference("table", names.table(relation)),
            "entityStatus": _STATES.get(contract.status, "Draft"),
            "description": _terms(contract),
            "schema": [_bare(column) for column in columns.of_table(stated, contract, {})],
            "sla": _sla(contract),
            "owners": [reference("team", contract.owner)] if contract.owner else [],
        }
        if columns.is_personal(contract):
            payload["security"] = {"dataClassification": "personal"}
        fqn = f"{names.table(relation)}.dataContract_{name}"
        yield Entity("dataContract", fqn, payload, fixed=("entity",))


def dashboards(exposures: Iterable[Exposure], owners: set[str], names: Names) -> Iterator[Entity]:
    """Yield a dashboard for each dbt exposure."""
    for exposure in exposures:
        payload: dict[str, Any] = {
            "name": exposure.name,
            "displayName": exposure.title,
            "service": names.dashboards,
            "description": exposure.description or exposure.title,
        }
        if exposure.url:
            payload["sourceUrl"] = exposure.url
        if exposure.owner in owners:
            payload["owners"] = [reference("team", exposure.owner)]
        yield Entity("dashboard", f"{names.dashboards}.{exposure.name}", payload, fixed=("service",))


def _table(contract: Contract, relation: str, built: Relation, names: Names, terms: Terms) -> Entity:
    schema, _, name = relation.partition(".")
    payload = {
        "name": name,
        "databaseSchema": f"{names.service}.{names.database}.{schema}",
        "tableType": "View" if built.is_view else "External" if schema == "bronze" else "Iceberg",
        "description": _description(contract, name),
        "columns": columns.of_table(built.columns, contract, terms.get(contract.domain, {})),
        **_ownership(contract),
    }
    if contract.key and not built.is_view and schema != "bronze":
        payload["tableConstraints"] = [{"constraintType": "PRIMARY_KEY", "columns": list(contract.key)}]
    if period := _duration(contract):
        payload["retentionPeriod"] = period
    return Entity("table", names.table(relation), payload, fixed=("databaseSchema",))


def _ownership(contract: Contract) -> dict[str, Any]:
    tier = str(contract.properties.get("tier") or _TIERS[contract.layer])
    stated = dict.fromkeys((contract.layer, *contract.tags))
    return {
        "owners": [reference("team", contract.owner)] if contract.owner else [],
        "tags": [tag(tier), *(tag(f"{CLASSIFICATION}.{name}") for name in stated)],
        "domains": [reference("domain", contract.domain)] if contract.domain else [],
        "dataProducts": [reference("dataProduct", contract.product)] if contract.product else [],
    }


def _description(contract: Contract, name: str) -> str:
    if name == contract.table:
        return "\n\n".join(filter(None, (contract.description, contract.grain, _end(contract))))
    if name == contract.properties.get("liveView"):
        return f"{contract.description} The live rows of {contract.layer}.{contract.table}."
    return f"The state behind {contract.layer}.{contract.table}, deleted rows and technical columns included."


def _end(contract: Contract) -> str:
    """Return what readers have to know of the end that the contract announces, of the table or of columns."""
    listed = [f"- {column.name}: {column.ends}" for column in contract.columns if column.ends]
    table = [f"**Ends on {contract.ends}.** Move to another table by then."] if contract.ends else []
    columns = ["**Columns that end:**\n" + "\n".join(listed)] if listed else []
    return "\n\n".join([*table, *columns])


def _terms(contract: Contract) -> str:
    """Return the contract's text for people: meaning, use, limits, rules, readers."""
    checks = [f"- {check.description or check.name}: `{check.expression}`" for check in contract.checks]
    readers = [f"- {c.name} ({c.contact}): {c.use}" for c in contract.consumers]
    parts = [
        f"Version {contract.version} of {contract.home}.",
        _end(contract),
        contract.description,
        contract.usage and f"**Use.** {contract.usage}",
        contract.limitations and f"**Limits.** {contract.limitations}",
        checks and "**Rules.** Checked before rows become visible:\n" + "\n".join(checks),
        readers and "**Read by**\n" + "\n".join(readers),
    ]
    return "\n\n".join(str(part) for part in parts if part)


def _sla(contract: Contract) -> dict[str, Any]:
    sla: dict[str, Any] = {}
    if hours := freshness_hours(contract):
        sla["maxLatency"] = {"value": max(round(hours), 1), "unit": "hour"}
    for stated in contract.slas:
        if stated.property == "retention" and stated.unit in ("d", "y"):
            unit = {"d": "day", "y": "year"}[stated.unit]
            sla["retention"] = {"period": int(float(str(stated.value))), "unit": unit}
    return sla


def _duration(contract: Contract) -> str:
    retention = _sla(contract).get("retention")
    return f"P{retention['period']}{retention['unit'][0].upper()}" if retention else ""


def _bare(column: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in column.items() if key not in ("tags", "constraint")}
