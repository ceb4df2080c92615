"""An OpenMetadata server that records every call. It is at least as strict as the real one.

It copies the surprising behaviour of the real one: a PUT keeps what a person may have written (descriptions,
owners, tags), an edge silently loses columns that the server does not know and keeps only columns of its own
source, and a GET returns only the requested fields. Unknown keys are refused.
"""

import json
import re
import threading
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import NAMESPACE_URL, uuid5

OWNED = {"description", "displayName", "owners"}
ABOUT = OWNED | {"name", "tags", "domains", "dataProducts"}
COLUMN = {
    "name", "dataType", "dataTypeDisplay", "description", "tags", "constraint", "dataLength", "precision",
    "scale", "arrayDataType", "children",
}  # fmt: skip
# Route -> kind, keys of its create request, and the keys that hold the full name of its parent.
ROUTES: dict[str, tuple[str, set[str], dict[str, str]]] = {
    "teams": ("team", {"name", "teamType", "description"}, {}),
    "domains": ("domain", {"name", "domainType", "description"}, {}),
    "dataProducts": ("dataProduct", {"name", "domains", "description", "owners"}, {}),
    "classifications": ("classification", {"name", "description"}, {}),
    "tags": ("tag", {"name", "classification", "description"}, {"classification": "classification"}),
    "glossaries": ("glossary", {"name", "description"}, {}),
    "glossaryTerms": ("glossaryTerm", {"name", "glossary", "description"}, {"glossary": "glossary"}),
    "services/databaseServices": ("databaseService", {"name", "serviceType", "description"}, {}),
    "databases": ("database", ABOUT | {"service"}, {"service": "databaseService"}),
    "databaseSchemas": ("databaseSchema", ABOUT | {"database"}, {"database": "database"}),
    "tables": (
        "table",
        ABOUT | {"databaseSchema", "tableType", "columns", "tableConstraints", "retentionPeriod"},
        {"databaseSchema": "databaseSchema"},
    ),
    "services/storageServices": ("storageService", {"name", "serviceType", "description"}, {}),
    "containers": (
        "container",
        ABOUT | {"service", "parent", "prefix", "fullPath", "fileFormats", "dataModel"},
        {"service": "storageService"},
    ),
    "services/dashboardServices": ("dashboardService", {"name", "serviceType", "description"}, {}),
    "dashboards": ("dashboard", ABOUT | {"service", "sourceUrl"}, {"service": "dashboardService"}),
    "dataQuality/testDefinitions": (
        "testDefinition", {"name", "description", "entityType", "testPlatforms"}, {},
    ),
    "dataQuality/testCases": (
        "testCase", {"name", "description", "testDefinition", "entityLink"},
        {"testDefinition": "testDefinition"},
    ),
    "dataContracts": (
        "dataContract",
        OWNED | {"name", "entity", "entityStatus", "schema", "sla", "security"},
        {},
    ),
}  # fmt: skip
KINDS = {kind: route for route, (kind, _, _) in ROUTES.items()}
BUILT_IN = ("Tier.Tier1", "Tier.Tier2", "Tier.Tier3", "PII.Sensitive", "PII.NonSensitive", "Team.Mine")
HIDDEN = {"owners", "tags", "domains", "dataProducts", "columns", "tableConstraints", "dataModel"}
REFERRED = {"domains": "domain", "dataProducts": "dataProduct"}


class RefusalError(Exception):
    """A response other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: Any


@dataclass
class CatalogServer:
    """The server. `log` has every call. All calls fail while `failing` is a status, and once `fails_after`
    has counted down to zero. `forgets` are keys that it accepts and does not store."""

    token: str = ""
    failing: int = 0
    fails_after: int | None = None
    forgets: frozenset[str] = frozenset()
    log: list[Call] = field(default_factory=list)
    entities: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    results: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)

    def __enter__(self) -> "CatalogServer":
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"catalog": self}))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def writes(self) -> list[Call]:
        return [call for call in self.log if call.method != "GET"]

    def entity(self, kind: str, fqn: str) -> dict[str, Any]:
        return self.entities[f"{kind}:{fqn}"]

    def lineage(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the edges by the full names of their ends."""
        names = {one["id"]: one["fullyQualifiedName"] for one in self.entities.values()}
        return {(names[a], names[b]): details for (a, b), details in self.edges.items()}

    # -- what it does --------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        if path == "lineage" and method == "PUT":
            return self._put_edge(body)
        if path.startswith("lineage/"):
            return self._lineage(method, path.split("/")[1:])
        if found := re.fullmatch(r"dataQuality/testCases/testCaseResults/([^/]+)", path):
            return self._results(method, unquote(found[1]), query, body)
        for route, (kind, keys, parents) in ROUTES.items():
            rest = path.removeprefix(route)
            if path != route and not path.startswith(f"{route}/"):
                continue
            if method == "PUT" and not rest:
                return self._put(kind, keys, parents, body)
            if method == "PATCH":
                return self._patch(kind, rest[1:], body)
            if method == "GET" and rest.startswith("/name/"):
                return self._shown(kind, unquote(rest[len("/name/") :]), query)
        raise RefusalError(404, f"no such call: {method} {path}")

    def _shown(self, kind: str, fqn: str, query: dict[str, list[str]]) -> Any:
        found = self.entities.get(f"{kind}:{fqn}")
        if found is None:
            raise RefusalError(404, f"{kind} instance for {fqn} not found")
        asked = {name for text in query.get("fields", []) for name in text.split(",")}
        return {key: value for key, value in found.items() if key not in HIDDEN - asked}

    def _put(self, kind: str, keys: set[str], parents: dict[str, str], body: dict[str, Any]) -> Any:
        _known(body, keys, kind)
        stored = {k: self._stored(k, v) for k, v in body.items() if k not in self.forgets}
        for key, parent in parents.items():
            stored[key] = self._reference(parent, body[key])
        fqn = self._fqn(kind, body, stored)
        for column in _columns(stored):
            self._check_column(column)
        old = self.entities.get(f"{kind}:{fqn}")
        new = {"id": str(uuid5(NAMESPACE_URL, f"{kind}:{fqn}")), "fullyQualifiedName": fqn, **stored}
        self.entities[f"{kind}:{fqn}"] = new if old is None else _as_a_bot_may(old, new)
        return {"id": new["id"]}

    def _patch(self, kind: str, entity_id: str, operations: list[dict[str, Any]]) -> Any:
        found = next((e for e in self.entities.values() if e["id"] == entity_id), None)
        if found is None:
            raise RefusalError(404, f"{kind} {entity_id} not found")
        for operation in operations:
            _known(operation, {"op", "path", "value"}, "operation")
            *way, last = operation["path"].strip("/").split("/")
            if last in self.forgets:
                continue
            place: Any = found
            for step in way:
                place = place[int(step)] if isinstance(place, list) else place[step]
            assert operation["op"] == "add"
            assert isinstance(place, dict)
            if last in ("owners", "domains", "dataProducts"):
                place[last] = [self._by_id(one) for one in operation["value"]]
            else:
                place[last] = self._stored(last, operation["value"])
        return found

    def _stored(self, key: str, value: Any) -> Any:
        """Return a value of a request as the entity stores it."""
        if key in REFERRED:
            return [self._reference(REFERRED[key], name) for name in value]
        if key == "owners":
            return [self._by_id(one) for one in value]
        if key in ("parent", "entity"):
            return self._by_id(value)
        if key == "tags":
            for label in value:
                _known(label, {"tagFQN", "source", "labelType", "state"}, "tag label")
                kind = "glossaryTerm" if label["source"] == "Glossary" else "tag"
                if label["tagFQN"] not in BUILT_IN:
                    self._reference(kind, label["tagFQN"])
        return deepcopy(value)

    def _check_column(self, column: dict[str, Any]) -> None:
        _known(column, COLUMN, "column")
        if column["dataType"] in ("CHAR", "VARCHAR", "BINARY", "VARBINARY") and not column.get("dataLength"):
            raise RefusalError(400, f"column {column['name']}: dataLength must not be null")
        if column["dataType"] == "ARRAY" and not column.get("arrayDataType"):
            raise RefusalError(400, f"column {column['name']}: arrayDataType must not be null")
        self._stored("tags", column.get("tags", []))
        for child in column.get("children", []):
            self._check_column(child)

    def _reference(self, kind: str, fqn: str) -> dict[str, Any]:
        found = self.entities.get(f"{kind}:{fqn}")
        if found is None:
            raise RefusalError(404, f"{kind} instance for {fqn} not found")
        return {"id": found["id"], "type": kind, "name": found["name"], "fullyQualifiedName": fqn}

    def _by_id(self, reference: dict[str, Any]) -> dict[str, Any]:
        _known(reference, {"id", "type"}, "reference")
        key = next((k for k, e in self.entities.items() if e["id"] == reference["id"]), "")
        if not key.startswith(f"{reference['type']}:"):
            raise RefusalError(404, f"{reference['type']} instance for {reference['id']} not found")
        return self._reference(*key.split(":", 1))

    def _fqn(self, kind: str, body: dict[str, Any], stored: dict[str, Any]) -> str:
        name = body["name"]
        assert "." not in name, "a name with a dot is quoted in full names"
        match kind:
            case "testCase":
                link = re.fullmatch(r"<#E::table::([^:]+)(?:::columns::([^:]+))?>", body["entityLink"])
                assert link is not None, body["entityLink"]
                table = self.entity("table", link[1])
                if link[2]:
                    assert link[2] in {column["name"] for column in table["columns"]}
                return ".".join(part for part in (link[1], link[2], name) if part)
            case "dataContract":
                table = self.entity("table", stored["entity"]["fullyQualifiedName"])
                known = {column["name"] for column in table["columns"]}
                if unknown := [c["name"] for c in body.get("schema", []) if c["name"] not in known]:
                    raise RefusalError(400, f"schema fields not in the table: {unknown}")
                return f"{table['fullyQualifiedName']}.dataContract_{name}"
            case "container" if "parent" in body:
                return f"{stored['parent']['fullyQualifiedName']}.{name}"
            case _:
                parents = ("classification", "glossary", "service", "database", "databaseSchema")
                return ".".join([*[body[p] for p in parents if p in body][:1], name])

    # -- results and lineage -------------------------------------------------------------------------------

    def _results(self, method: str, test: str, query: dict[str, list[str]], body: Any) -> Any:
        self._reference("testCase", test)
        kept = self.results.setdefault(test, {})
        if method == "GET":
            start, end = (int(query[name][0]) for name in ("startTs", "endTs"))
            return {"data": [one for moment, one in sorted(kept.items()) if start <= moment <= end]}
        _known(body, {"timestamp", "testCaseStatus", "result", "testResultValue", "failedRows"}, "result")
        if "testResultValue" not in body:
            raise RefusalError(400, "testResultValue must not be null")
        kept[body["timestamp"]] = body
        return body

    def _put_edge(self, body: dict[str, Any]) -> Any:
        _known(body, {"edge"}, "lineage")
        edge = body["edge"]
        _known(edge, {"fromEntity", "toEntity", "lineageDetails"}, "edge")
        source, target = self._by_id(edge["fromEntity"]), self._by_id(edge["toEntity"])
        details = edge["lineageDetails"]
        _known(details, {"columnsLineage", "description", "source", "sqlQuery"}, "lineage details")
        froms, tos = self._column_names(source), self._column_names(target)
        kept = []
        for one in details["columnsLineage"]:
            _known(one, {"fromColumns", "toColumn", "function"}, "column lineage")
            known = [c for c in one["fromColumns"] if c in froms]
            if one["toColumn"] in tos and known:
                kept.append({**one, "fromColumns": known})
        self.edges[source["id"], target["id"]] = {**details, "columnsLineage": kept}
        return {}

    def _column_names(self, reference: dict[str, Any]) -> set[str]:
        found = self.entity(reference["type"], reference["fullyQualifiedName"])
        return set(_paths(_top(found), found["fullyQualifiedName"]))

    def _lineage(self, method: str, parts: list[str]) -> Any:
        if method == "DELETE":
            _, source, _, target = parts
            if self.edges.pop((source, target), None) is None:
                raise RefusalError(404, "no such edge")
            return {}
        kind, entity_id = parts
        mine = self._by_id({"id": entity_id, "type": kind})
        near = {e: d for e, d in self.edges.items() if entity_id in e}
        others = {end for ends in near for end in ends} - {entity_id}
        nodes = [k.split(":", 1) for k, e in self.entities.items() if e["id"] in others]
        seen = [{"fromEntity": a, "toEntity": b, "lineageDetails": d} for (a, b), d in near.items()]
        return {
            "entity": mine,
            "nodes": [self._reference(*node) for node in nodes],
            "upstreamEdges": [edge for edge in seen if edge["toEntity"] == entity_id],
            "downstreamEdges": [edge for edge in seen if edge["fromEntity"] == entity_id],
        }


def _as_a_bot_may(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return an entity after a PUT by a bot: what a person may have written stays."""
    merged = {**old, **new}
    for key in ("description", "owners"):
        if old.get(key):
            merged[key] = old[key]
    if "tags" in old:
        have = {label["tagFQN"] for label in old["tags"]}
        merged["tags"] = [*old["tags"], *(n for n in new.get("tags", []) if n["tagFQN"] not in have)]
    before = {(c["name"], c["dataType"]): c for c in _top(old)}
    for place, column in enumerate(_top(merged)):
        if known := before.get((column["name"], column["dataType"])):
            _top(merged)[place] = _as_a_bot_may(known, column)
    return merged


def _top(entity: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = entity.get("columns") or entity.get("dataModel", {}).get("columns") or []
    return found


def _columns(entity: dict[str, Any]) -> list[dict[str, Any]]:
    return [*_top(entity), *entity.get("schema", [])]


def _paths(columns: list[dict[str, Any]], prefix: str) -> list[str]:
    found = []
    for column in columns:
        # Quoted if it has a dot, like the server's own full names.
        own = column["name"]
        name = f'{prefix}."{own}"' if "." in own else f"{prefix}.{own}"
        found += [name, *_paths(column.get("children", []), name)]
    return found


def _known(body: dict[str, Any], keys: set[str], what: str) -> None:
    if unknown := sorted(body.keys() - keys):
        raise RefusalError(400, f'Unrecognized field "{unknown[0]}" of {what}')


class _Handler(BaseHTTPRequestHandler):
    catalog: CatalogServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each response waits 40 ms for the previous one to be acknowledged

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/api/v1/")
        self.catalog.log.append(Call(self.command, path, body))
        try:
            self._guard(path)
            self._send(200, self.catalog.answer(self.command, path, parse_qs(parts.query), body))
        except RefusalError as refusal:
            self._send(refusal.status, {"code": refusal.status, "message": str(refusal)})
        except (AssertionError, KeyError, TypeError, ValueError, IndexError) as error:
            self._send(400, {"code": 400, "message": f"{type(error).__name__}: {error}"})

    def do_GET(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PATCH(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _guard(self, path: str) -> None:
        catalog = self.catalog
        if catalog.token and self.headers.get("authorization") != f"Bearer {catalog.token}":
            raise RefusalError(401, f"not authorised: {self.headers.get('authorization')}")
        if catalog.fails_after is not None:
            catalog.fails_after -= 1
            catalog.failing = catalog.failing or (503 if catalog.fails_after < 0 else 0)
        if catalog.failing:
            raise RefusalError(catalog.failing, "the server is not well")
        wanted = "application/json-patch+json" if self.command == "PATCH" else "application/json"
        if self.command in ("PUT", "POST", "PATCH") and self.headers.get("content-type") != wanted:
            raise RefusalError(415, f"{self.command} {path} wants {wanted}")

    def _send(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""
