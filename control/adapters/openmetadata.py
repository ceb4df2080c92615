"""OpenMetadata over REST (`/api/v1`).

Eight calls are needed, made with urllib3, which boto3 installs anyway. The official client takes 400 MB,
requires an older sqlglot, and returns `{"error": …}` where it should raise.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from control.errors import ThrottledError, UnavailableError, UpstreamError, UsageError
from control.ports import SeenEdge

# Kind -> route, and the fields that a read must request.
_ROUTES = {
    "team": ("teams", ""),
    "domain": ("domains", "owners"),
    "dataProduct": ("dataProducts", "owners,domains"),
    "classification": ("classifications", ""),
    "tag": ("tags", ""),
    "glossary": ("glossaries", "owners"),
    "glossaryTerm": ("glossaryTerms", "owners"),
    "databaseService": ("services/databaseServices", "owners"),
    "database": ("databases", "owners"),
    "databaseSchema": ("databaseSchemas", "owners"),
    "storageService": ("services/storageServices", "owners"),
    "dashboardService": ("services/dashboardServices", "owners"),
    "table": ("tables", "columns,tableConstraints,owners,tags,domains,dataProducts"),
    "container": ("containers", "dataModel,owners,tags,domains,dataProducts"),
    "dashboard": ("dashboards", "owners"),
    "testDefinition": ("dataQuality/testDefinitions", "owners"),
    "testCase": ("dataQuality/testCases", "owners"),
    "dataContract": ("dataContracts", "owners"),
}
_TIMEOUT = urllib3.Timeout(connect=5, read=60)
# Every call may be retried: a PUT states the whole entity, and a result replaces one with the same timestamp.
_RETRIES = urllib3.Retry(
    total=3, backoff_factor=0.2, status_forcelist=(502, 503, 504), allowed_methods=None,
    respect_retry_after_header=False, raise_on_status=False, redirect=False,
)  # fmt: skip
_UNAUTHORISED = (401, 403)
_SHOWN = 200
_ELSEWHERE = "check that the address is the server's, not that of a login page or proxy"


class OpenMetadata:
    """See MetadataCatalog. `url` is the server's, with or without `/api`; `token` a bot's, or empty."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            hint = "write http://HOST:PORT or https://HOST, and the token in OPENMETADATA_TOKEN"
            raise UsageError("that is not the address of an OpenMetadata server", hint=hint)
        self._base = f"{url.rstrip('/').removesuffix('/api')}/api/v1"
        self._host = parts.netloc
        self._token = token
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=_RETRIES)

    def find(self, kind: str, fqn: str) -> Mapping[str, Any] | None:
        """See MetadataCatalog."""
        route, fields = _ROUTES[kind]
        query = f"?fields={fields}" if fields else ""
        found = self._ask("GET", f"{route}/name/{quote(fqn, safe='')}{query}", missing=True)
        if found is None:
            return None
        with self._shape(route):
            return {**found, "id": found["id"]}

    def put(self, kind: str, payload: Mapping[str, Any]) -> None:
        """See MetadataCatalog."""
        self._ask("PUT", _ROUTES[kind][0], payload)

    def patch(self, kind: str, entity_id: str, operations: Sequence[Mapping[str, Any]]) -> None:
        """See MetadataCatalog."""
        self._ask("PATCH", f"{_ROUTES[kind][0]}/{entity_id}", operations, "application/json-patch+json")

    def edges(self, kind: str, entity_id: str) -> Sequence[SeenEdge]:
        """See MetadataCatalog."""
        found = self._ask("GET", f"lineage/{kind}/{entity_id}?upstreamDepth=1&downstreamDepth=1")
        with self._shape("lineage"):
            kinds = {entity_id: kind, **{node["id"]: node["type"] for node in found.get("nodes") or ()}}
            return [
                SeenEdge(
                    source=edge["fromEntity"],
                    source_kind=kinds[edge["fromEntity"]],
                    target=edge["toEntity"],
                    target_kind=kinds[edge["toEntity"]],
                    details=edge.get("lineageDetails") or {},
                )
                for side in ("upstreamEdges", "downstreamEdges")
                for edge in found.get(side) or ()
            ]

    def put_edge(self, edge: SeenEdge) -> None:
        """See MetadataCatalog."""
        body = {
            "fromEntity": {"id": edge.source, "type": edge.source_kind},
            "toEntity": {"id": edge.target, "type": edge.target_kind},
            "lineageDetails": edge.details,
        }
        self._ask("PUT", "lineage", {"edge": body})

    def remove_edge(self, edge: SeenEdge) -> None:
        """See MetadataCatalog."""
        path = f"lineage/{edge.source_kind}/{edge.source}/{edge.target_kind}/{edge.target}"
        self._ask("DELETE", path, missing=True)

    def results(self, test: str, timestamp: int) -> Sequence[Mapping[str, Any]]:
        """See MetadataCatalog."""
        path = f"{_results(test)}?startTs={timestamp}&endTs={timestamp}"
        found = self._ask("GET", path)
        with self._shape("results"):
            return [one for one in found.get("data") or () if one.get("timestamp") == timestamp]

    def add_result(self, test: str, result: Mapping[str, Any]) -> None:
        """See MetadataCatalog."""
        self._ask("POST", _results(test), result)

    def _ask(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
        *,
        missing: bool = False,
    ) -> Any:
        """Return the response as JSON, {} if it is empty; with `missing`, None for status 404."""
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = content_type
        content = None if body is None else json.dumps(body).encode()
        try:
            answer = self._pool.request(method, f"{self._base}/{path}", body=content, headers=headers)
        except HTTPError as error:
            raise UnavailableError(
                f"the metadata catalog at {self._host} cannot be reached ({_cause(error)})"
            ) from None
        if answer.status == 404 and missing:
            return None
        if not 200 <= answer.status < 300:
            raise self._refusal(answer.status, method, path.partition("?")[0], answer.data)
        return self._decoded(answer.data)

    @contextmanager
    def _shape(self, what: str) -> Iterator[None]:
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UpstreamError(
                f"{self._host} returned JSON for {what} that is not OpenMetadata's: {error!r}",
                hint=_ELSEWHERE,
            ) from None

    def _decoded(self, data: bytes) -> Any:
        try:
            return json.loads(data) if data.strip() else {}
        except ValueError:
            raise UpstreamError(f"{self._host} returned something other than JSON", hint=_ELSEWHERE) from None

    def _refusal(self, status: int, method: str, path: str, data: bytes) -> UpstreamError:
        what = f"the metadata catalog at {self._host} answers {status} to {method} {path}"
        if status in _UNAUTHORISED:
            return UpstreamError(what, hint="set OPENMETADATA_TOKEN to the token of a bot that may write")
        if status == 429:
            return ThrottledError(what)
        if status >= 500:
            return UnavailableError(what)
        return UpstreamError(f"{what}: {self._said(data)}")

    def _said(self, data: bytes) -> str:
        """Return the server's message about a refusal, shortened and without the token."""
        text = data.decode(errors="replace")
        try:
            text = str(json.loads(text)["message"])
        except (ValueError, KeyError, TypeError):
            text = " ".join(text.split())
        if self._token:
            text = text.replace(self._token, "…")
        return text[:_SHOWN]


def _results(test: str) -> str:
    return f"dataQuality/testCases/testCaseResults/{quote(test, safe='')}"


def _cause(error: Exception) -> str:
    """Return the class name of the innermost reason; the library's messages contain addresses."""
    inner = getattr(error, "reason", None)
    return type(inner if isinstance(inner, Exception) else error).__name__
