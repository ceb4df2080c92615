"""Render who owns, may read and reads each model: dbt's groups, access levels and exposures."""

from collections.abc import Mapping, Sequence

from control.contracts.model import LAYERS, Consumer, Contract


def access_of(model: str, contract: Contract) -> str:
    """Return who may select from a model: its group (private), the project (protected), or everyone (public).

    A state table has tombstones and raw personal values, so only models of its owner may read it.
    """
    if model == contract.properties.get("stateTable"):
        return "private"
    technical = any(column.name.startswith("_") for column in contract.columns)
    return "protected" if technical and model == contract.table else "public"


def groups(contracts: Sequence[Contract]) -> list[dict[str, object]]:
    """Return a dbt group for each owner of a model, by name."""
    owners = {c.owner: c.contact for c in contracts if c.layer != "bronze"}
    return [{"name": name, "owner": {"name": name, "email": owners[name]}} for name in sorted(owners)]


def exposures(contracts: Sequence[Contract]) -> list[dict[str, object]]:
    """Return an exposure for each consumer outside the lakehouse, with everything that it reads, by name."""
    found: dict[str, list[tuple[Consumer, Contract]]] = {}
    for contract in contracts:
        for consumer in contract.consumers:
            if contract.layer != "bronze" and consumer.name.partition(".")[0] not in LAYERS:
                found.setdefault(consumer.name, []).append((consumer, contract))
    return [_exposure(name, found[name]) for name in sorted(found)]


def _exposure(name: str, reads: Sequence[tuple[Consumer, Contract]]) -> dict[str, object]:
    kinds = sorted({consumer.kind for consumer, _ in reads if consumer.kind})
    uses: Mapping[str, str] = {contract.table: consumer.use for consumer, contract in reads}
    return {
        "name": name.replace("-", "_").replace(".", "_"),
        "label": name,
        "type": kinds[0] if kinds else "analysis",
        "description": " ".join(f"{table}: {use}" for table, use in sorted(uses.items())),
        "owner": {"name": name, "email": reads[0][0].contact},
        "depends_on": [f"ref('{table}')" for table in sorted(uses)],
    }
