"""The entities that tables refer to: owners, domains, data products, tags, glossary, services, schemas."""

from collections.abc import Iterable, Iterator, Sequence

from control.catalog.model import Entity, Names, reference
from control.contracts.model import Contract

CLASSIFICATION = "Lakehouse"
LAYERS = {
    "bronze": "Typed records as they arrived, every change kept.",
    "silver": "The current truth of each key.",
    "gold": "Figures that people and dashboards read.",
}


def teams(contracts: Iterable[Contract]) -> Iterator[Entity]:
    """Yield the owners in the contracts."""
    for owner, contact in sorted({(c.owner, c.contact) for c in contracts if c.owner}):
        payload = {"name": owner, "teamType": "Group", "description": f"Owner of data contracts ({contact})."}
        yield Entity("team", owner, payload, shared=True)


def domains(contracts: Sequence[Contract]) -> Iterator[Entity]:
    """Yield the domains, then the data products in them."""
    for name in sorted({c.domain for c in contracts if c.domain}):
        described = {"name": name, "domainType": "Aggregate", "description": f"The domain {name}."}
        yield Entity("domain", name, described, shared=True)
    for domain, name in sorted({(c.domain, c.product) for c in contracts if c.domain and c.product}):
        tables = [f"{c.layer}.{c.table}" for c in contracts if (c.domain, c.product) == (domain, name)]
        owners = sorted({c.owner for c in contracts if c.product == name and c.owner})
        yield Entity(
            "dataProduct",
            name,
            {
                "name": name,
                "domains": [reference("domain", domain)],
                "description": f"{len(tables)} contracted tables: {', '.join(sorted(tables))}.",
                "owners": [reference("team", owner) for owner in owners],
            },
            fixed=("domains",),
        )


def tags(contracts: Iterable[Contract]) -> Iterator[Entity]:
    """Yield our classification: the layers, and the tags of contracts."""
    named = sorted({tag for c in contracts for tag in (*c.tags, c.layer)})
    yield Entity(
        "classification",
        CLASSIFICATION,
        {"name": CLASSIFICATION, "description": "Tags of the lakehouse's data contracts."},
    )
    for name in named:
        meaning = LAYERS.get(name, f"Tables that their contracts tag {name}.")
        payload = {"name": name, "classification": CLASSIFICATION, "description": meaning}
        yield Entity("tag", f"{CLASSIFICATION}.{name}", payload, fixed=("classification",))


def glossary(contracts: Iterable[Contract]) -> tuple[list[Entity], dict[str, dict[str, str]]]:
    """Return one term for each column name in gold, and the terms by domain and column."""
    meanings: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for contract in contracts:
        if contract.layer == "gold" and contract.domain:
            for column in contract.columns:
                words = meanings.setdefault(contract.domain, {}).setdefault(column.name, [])
                words.append((contract.table, column.description))
    entities, terms = [], {}
    for domain, columns in sorted(meanings.items()):
        described = "What the columns of gold mean, from their contracts."
        entities.append(Entity("glossary", domain, {"name": domain, "description": described}))
        for name, words in sorted(columns.items()):
            payload = {"name": name, "glossary": domain, "description": _meaning(words)}
            entities.append(Entity("glossaryTerm", f"{domain}.{name}", payload, fixed=("glossary",)))
        terms[domain] = {name: f"{domain}.{name}" for name in columns}
    return entities, terms


def places(names: Names, schemas: Iterable[str], *, dashboards: bool) -> Iterator[Entity]:
    """Yield services, the database, its schemas, and the bucket; without connections, so without secrets."""
    description = "The lakehouse's tables on Athena."
    payload = {"name": names.service, "serviceType": "Athena", "description": description}
    yield Entity("databaseService", names.service, payload, fixed=("serviceType",))
    database = f"{names.service}.{names.database}"
    payload = {"name": names.database, "service": names.service}
    yield Entity("database", database, payload, fixed=("service",))
    for schema in sorted(schemas):
        payload = {"name": schema, "database": database, "description": LAYERS.get(schema, schema)}
        yield Entity("databaseSchema", f"{database}.{schema}", payload, fixed=("database",))
    payload = {
        "name": names.storage,
        "serviceType": "S3",
        "description": "Raw files, as producers land them.",
    }
    yield Entity("storageService", names.storage, payload, fixed=("serviceType",))
    bucket = {"name": names.bucket, "service": names.storage, "description": "The lake's bucket."}
    yield Entity("container", f"{names.storage}.{names.bucket}", bucket, fixed=("service",))
    if dashboards:
        description = "What reads the lakehouse, from dbt's exposures."
        payload = {"name": names.dashboards, "serviceType": "CustomDashboard", "description": description}
        yield Entity("dashboardService", names.dashboards, payload, fixed=("serviceType",))


def _meaning(words: Sequence[tuple[str, str]]) -> str:
    meanings = {text for _, text in words}
    if len(meanings) == 1:
        return meanings.pop()
    return "\n".join(f"- {table}: {text}" for table, text in words)
