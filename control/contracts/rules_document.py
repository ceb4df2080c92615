"""Rules for a contract as a whole: its path, identity, owner, descriptions and promises."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from control.contracts import placeholders
from control.contracts.model import LAYERS, Finding
from control.contracts.source import Path
from control.contracts.subject import TABLE, Subject

_NAME = re.compile(r"[a-z][a-z0-9_]*")
# Each part below 1000: the parser packs them into one number that only ever rises.
_VERSION = re.compile(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){2}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STATUS = ("proposed", "draft", "active", "deprecated", "retired")
_CONSUMER_KEYS = {"name", "contact", "use"}
# dbt's kinds of exposure.
_KINDS = ("dashboard", "notebook", "analysis", "ml", "application")


def place(on: Subject) -> Iterator[Finding]:
    """The file's path states layer and table."""
    contract = on.contract
    if contract.layer not in LAYERS or not contract.file.endswith(".yaml"):
        message = (
            f"a contract stands in <layer>/<table>.yaml, layer one of {', '.join(LAYERS)}: move the file"
        )
        yield on.finding("file-path", (), message)
        return
    if contract.table and contract.table != contract.stem:
        message = f"the table is {contract.table!r} and the file {contract.stem}.yaml: make them the same"
        yield on.finding("file-path", (*TABLE, "name"), message)
    for index, server in enumerate(on.data.get("servers") or []):
        if server.get("schema", contract.layer) != contract.layer:
            message = (
                f"the server's schema is {server['schema']!r}: make it {contract.layer!r}, the file's layer"
            )
            yield on.finding("file-path", ("servers", index, "schema"), message)


def one_table(on: Subject) -> Iterator[Finding]:
    """A contract is about exactly one table or view."""
    tables = on.data.get("schema") or []
    if not tables:
        yield on.finding("table-missing", ("schema",), "the contract has no table: add one under schema")
        return
    if len(tables) > 1:
        message = "a contract is about one table: move this one to a file of its own"
        yield on.finding("table-several", ("schema", 1), message)
    if not on.contract.columns:
        message = "the table has no columns: list them under properties"
        yield on.finding("table-missing", TABLE, message)
    if not _NAME.fullmatch(on.contract.table):
        message = f"table name {on.contract.table!r}: use lower case letters, digits and _"
        yield on.finding("table-name", (*TABLE, "name"), message)
    if on.contract.kind not in ("table", "view"):
        message = f"the table's physicalType is {on.contract.kind!r}: write table or view"
        yield on.finding("table-kind", (*TABLE, "physicalType"), message)


def identity(on: Subject) -> Iterator[Finding]:
    """Id, version and status have the form that other tools rely on."""
    if not _UUID.fullmatch(on.contract.id):
        message = f"id {on.contract.id!r} is not a UUID in lower case: make one with uuidgen"
        yield on.finding("id-invalid", ("id",), message)
    if not _VERSION.fullmatch(on.contract.version):
        message = f"version {on.contract.version!r} is not major.minor.patch, each below 1000: write 1.0.0"
        yield on.finding("version-invalid", ("version",), message)
    status = on.data.get("status")
    if status not in _STATUS:
        message = f"status is {status!r}: use one of {', '.join(_STATUS)}"
        yield on.finding("status-invalid", ("status",), message)


def people(on: Subject) -> Iterator[Finding]:
    """Someone owns the table, and those who read it are named."""
    if not on.contract.owner or not on.contract.contact:
        message = "no owner: give team a name, and a member with role owner and a username"
        yield on.finding("owner-missing", ("team",), message)
    listed = on.data.get("customProperties") or []
    at = next((i for i, p in enumerate(listed) if p["property"] == "consumers"), None)
    value = None if at is None else listed[at]["value"]
    if at is None or not value:
        message = "no consumers: list name, contact and use of each in the custom property consumers"
        yield on.finding("consumers-missing", ("customProperties",), message)
        return
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        yield from _consumer(on, item, ("customProperties", at, "value", index))


def _consumer(on: Subject, item: object, path: Path) -> Iterator[Finding]:
    if (
        not isinstance(item, dict)
        or set(item) - {"columns", "kind"} != _CONSUMER_KEYS
        or item.get("kind", _KINDS[0]) not in _KINDS
        or not all(isinstance(item[key], str) and item[key] for key in _CONSUMER_KEYS)
        or not isinstance(item.get("columns", []), list)
    ):
        message = (
            "a consumer has name, contact and use, each a text, perhaps a list of columns, and a kind that is"
            f" one of {', '.join(_KINDS)}: correct it"
        )
        yield on.finding("consumer-invalid", path, message)
    elif item["name"].split(".")[0] in LAYERS and item["name"] not in {*on.tree, *on.unread}:
        message = f"consumer {item['name']} has no contract: correct the name or write its contract"
        yield on.finding("consumer-unknown", (*path, "name"), message)
    else:
        unknown = [name for name in item.get("columns", []) if on.contract.column(name) is None]
        if unknown:
            message = (
                f"consumer {item['name']} reads {', '.join(map(str, unknown))}, no column of "
                "the table: correct it"
            )
            yield on.finding("consumer-unknown", (*path, "columns"), message)


def words(on: Subject) -> Iterator[Finding]:
    """The contract, the table and its columns are described."""
    description = on.data.get("description") or {}
    for part in ("purpose", "usage", "limitations"):
        if not description.get(part):
            message = f"the description has no {part}: write one or two sentences"
            yield on.finding("description-missing", ("description",), message)
    table = {"description": on.contract.description, "dataGranularityDescription": on.contract.grain}
    for key in [key for key, text in table.items() if not text]:
        yield on.finding("description-missing", TABLE, f"the table has no {key}: write a sentence")
    for path, column, _ in on.columns():
        if not column.description:
            message = f"column {column.name} has no description: write a sentence"
            yield on.finding("description-missing", path, message)


def no_draft(on: Subject) -> Iterator[Finding]:
    """A contract that is no longer a draft has no placeholders of `dm contract new`."""
    if on.data.get("status") in ("proposed", "draft"):
        return
    why = f"is the draft's placeholder, and the status is {on.data.get('status')}: replace it"
    if placeholders.is_table(on.contract.description, on.contract.table):
        yield on.finding("draft-words", (*TABLE, "description"), f"the table's description {why}")
    for path, column, _ in on.columns():
        if placeholders.is_column(column.description, column.name):
            message = f"column {column.name}: its description {why}"
            yield on.finding("draft-words", (*path, "description"), message)
    if any(consumer.name == placeholders.CONSUMER for consumer in on.contract.consumers):
        message = f"consumer {placeholders.CONSUMER} is a placeholder: name who reads the table, and for what"
        yield on.finding("draft-words", ("customProperties",), message)


def service_levels(on: Subject) -> Iterator[Finding]:
    """Freshness and retention are promised, each as a number of hours, days or years."""
    promised = {s.property for s in on.contract.slas}
    for name in ("freshness", "retention"):
        if name not in promised:
            message = f"slaProperties has no {name}: add it with value and unit"
            yield on.finding("sla-missing", ("slaProperties",), message)
    for index, sla in enumerate(on.contract.slas):
        if sla.property not in ("freshness", "retention"):
            continue
        value = sla.value
        number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        if not number or sla.unit not in ("h", "d", "y"):
            shown = "empty" if value is None else f"{value} {sla.unit}"
            message = f"{sla.property} is {shown}: give a number above 0 and unit h, d or y"
            yield on.finding("sla-invalid", ("slaProperties", index), message)


def custom_properties(on: Subject) -> Iterator[Finding]:
    """A custom property is given once: of two, readers might take either."""
    owners: list[tuple[Path, Mapping[str, Any]]] = [((), on.data), (TABLE, on.table)]
    owners += [(path, raw) for path, _, raw in on.columns()]
    for path, owner in owners:
        seen: set[str] = set()
        for index, item in enumerate(owner.get("customProperties") or []):
            if item["property"] in seen:
                message = f"custom property {item['property']!r} is given twice: remove one of the two"
                yield on.finding("property-duplicate", (*path, "customProperties", index), message)
            seen.add(item["property"])


def budget(on: Subject) -> Iterator[Finding]:
    """A budget limits the bytes that a build of the table may read, as a multiple of the last build's."""
    listed = on.data.get("customProperties") or []
    for index, item in enumerate(listed):
        if item["property"] == "budget" and (
            not isinstance(item["value"], dict)
            or set(item["value"]) != {"scan"}
            or on.contract.scan_budget is None
            or on.contract.scan_budget < 1
        ):
            message = (
                "a budget has scan, a number of at least 1 (times the bytes of the last build): {scan: 1.5}"
            )
            yield on.finding("budget-invalid", ("customProperties", index), message)


def shared(subjects: Iterable[Subject]) -> Iterator[Finding]:
    """Yield ids, dbt models and bronze tables that two contracts claim, as findings in the later file."""
    ids: dict[str, str] = {}
    models: dict[str, str] = {}
    bronze: dict[str, str] = {}
    for on in subjects:
        first = ids.setdefault(on.contract.id, on.contract.file)
        if first != on.contract.file:
            message = f"id {on.contract.id} is already the id of {first}: give this contract its own UUID"
            yield on.finding("id-duplicate", ("id",), message)
        for model in on.contract.models:
            first = models.setdefault(model, on.contract.file)
            if first != on.contract.file:
                message = (
                    f"{model} is already a table or view of {first}: rename one, dbt knows models by name"
                )
                yield on.finding("name-duplicate", TABLE, message)
        if on.contract.layer == "bronze":
            for table in (on.contract.table, f"{on.contract.table}_events"):
                first = bronze.setdefault(table, on.contract.file)
                if first != on.contract.file:
                    message = f"bronze.{table} is already a table of {first}, or of its events: rename one"
                    yield on.finding("name-duplicate", TABLE, message)


RULES = (place, one_table, identity, people, words, no_draft, service_levels, custom_properties, budget)
