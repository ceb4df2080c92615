"""Workgroups and the statements stored in them. `primary` always exists."""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from localcloud.athena.errors import InvalidRequestError, ResourceNotFoundError

PRIMARY = "primary"
ENABLED = "ENABLED"
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_@:]{0,255}")
ENGINE_VERSION = {
    "SelectedEngineVersion": "AUTO",
    "EffectiveEngineVersion": "Athena engine version 3",
}


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A statement with `?` parameters, stored under a name."""

    name: str
    sql: str
    description: str = ""
    modified: float = 0.0


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A saved query; Athena generates its id, its name need not be unique."""

    id: str
    name: str
    database: str
    sql: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class WorkGroup:
    """A workgroup: where its results go, whether clients may override that, and how much a query may read.

    `most_bytes` is in bytes; 0 means no limit.
    """

    name: str
    output: str = ""
    enforced: bool = False
    description: str = ""
    created: float = 0.0
    state: str = ENABLED
    most_bytes: int = 0
    prepared: dict[str, PreparedStatement] = field(default_factory=dict)
    named: dict[str, NamedQuery] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The workgroup as GetWorkGroup returns it."""
        result = {"OutputLocation": self.output} if self.output else {}
        limit = {"BytesScannedCutoffPerQuery": self.most_bytes} if self.most_bytes else {}
        found: dict[str, Any] = {
            "Name": self.name,
            "State": self.state,
            "CreationTime": self.created,
            "Configuration": {
                "ResultConfiguration": result,
                "EnforceWorkGroupConfiguration": self.enforced,
                "PublishCloudWatchMetricsEnabled": False,
                "RequesterPaysEnabled": False,
                "EnableMinimumEncryptionConfiguration": False,
                "EngineVersion": ENGINE_VERSION,
                **limit,
            },
        }
        return {**found, "Description": self.description} if self.description else found

    def as_summary(self) -> dict[str, Any]:
        """The workgroup as ListWorkGroups returns it."""
        return {
            "Name": self.name,
            "State": self.state,
            "Description": self.description,
            "CreationTime": self.created,
            "EngineVersion": ENGINE_VERSION,
        }


class WorkGroups:
    """The workgroups by name."""

    def __init__(
        self, output: str = "", kept: bytes = b"", keep: Callable[[bytes], None] | None = None
    ) -> None:
        """`kept` is what `keep` received last; `keep` is called after each change."""
        self._lock = threading.Lock()
        self._keep = keep
        self._found = {PRIMARY: WorkGroup(PRIMARY, output, created=time.time())}
        for found in json.loads(kept) if kept else []:
            prepared = {one["name"]: PreparedStatement(**one) for one in found["prepared"]}
            named = {one["id"]: NamedQuery(**one) for one in found.get("named", ())}
            # The command line's output location for `primary` overrides the stored one.
            given = {"output": output} if found["name"] == PRIMARY else {}
            self._found[found["name"]] = WorkGroup(**{**found, "prepared": prepared, "named": named, **given})

    def _changed(self) -> None:
        """Store all workgroups; call it under the lock."""
        if self._keep:
            all_ = [
                asdict(one)
                | {"prepared": list(map(asdict, one.prepared.values()))}
                | {"named": list(map(asdict, one.named.values()))}
                for one in self._found.values()
            ]
            self._keep(json.dumps(all_).encode())

    def all(self) -> list[WorkGroup]:
        """All workgroups, by name."""
        with self._lock:
            return [self._found[name] for name in sorted(self._found)]

    def get(self, name: str) -> WorkGroup:
        """Return one workgroup. Raises InvalidRequestError when it does not exist."""
        with self._lock:
            return self._known(name)

    def _known(self, name: str) -> WorkGroup:
        """Return one workgroup; call it under the lock."""
        if name not in self._found:
            raise InvalidRequestError("WorkGroup is not found.")
        return self._found[name]

    def create(self, name: str, configuration: dict[str, Any], description: str) -> None:
        """Create a workgroup. Raises InvalidRequestError when the name is taken."""
        output = (configuration.get("ResultConfiguration") or {}).get("OutputLocation", "")
        # Athena enforces a workgroup's settings unless told otherwise.
        enforced = bool(configuration.get("EnforceWorkGroupConfiguration", True))
        with self._lock:
            if name in self._found:
                raise InvalidRequestError("WorkGroup is already created")
            most = int(configuration.get("BytesScannedCutoffPerQuery", 0))
            self._found[name] = WorkGroup(name, output, enforced, description, time.time(), most_bytes=most)
            self._changed()

    def update(
        self, name: str, changes: dict[str, Any], description: str | None, state: str | None = None
    ) -> None:
        """Change settings, state and description. Raises InvalidRequestError when it does not exist."""
        there = changes.get("ResultConfigurationUpdates") or {}
        with self._lock:
            old = self._known(name)
            output = "" if there.get("RemoveOutputLocation") else there.get("OutputLocation", old.output)
            enforced = bool(changes.get("EnforceWorkGroupConfiguration", old.enforced))
            self._found[name] = replace(
                old,
                output=output,
                enforced=enforced,
                description=old.description if description is None else description,
                state=state or old.state,
                most_bytes=_limit(changes, old.most_bytes),
            )
            self._changed()

    def delete(self, name: str, *, recursive: bool = False) -> None:
        """Delete a workgroup. Raises InvalidRequestError for `primary`, for one that does not exist, and for
        one with stored statements unless `recursive`.
        """
        if name == PRIMARY:
            raise InvalidRequestError("The primary workgroup can't be deleted.")
        with self._lock:
            found = self._known(name)
            if (found.named or found.prepared) and not recursive:
                raise InvalidRequestError(f"WorkGroup {name} is not empty")
            del self._found[name]
            self._changed()

    def prepare(self, group: str, statement: PreparedStatement, *, replace: bool) -> None:
        """Store a prepared statement. Raises InvalidRequestError when it exists and may not be replaced."""
        kept = self.get(group).prepared
        if not _NAME.fullmatch(statement.name):
            raise InvalidRequestError(f"Invalid prepared statement name: {statement.name}")
        with self._lock:
            if statement.name in kept and not replace:
                raise InvalidRequestError(f"Prepared statement {statement.name} already exists in {group}")
            kept[statement.name] = statement
            self._changed()

    def prepared(self, group: str, name: str) -> PreparedStatement:
        """Return a prepared statement. Raises ResourceNotFoundError."""
        with self._lock:
            known = self._found[group].prepared if group in self._found else {}
            if name not in known:
                text = f"PreparedStatement {name} was not found in workGroup {group}"
                raise ResourceNotFoundError(text, resource=name)
            return known[name]

    def all_prepared(self, group: str) -> list[PreparedStatement]:
        """A workgroup's prepared statements, by name. Raises InvalidRequestError."""
        kept = self.get(group).prepared
        with self._lock:
            return [kept[name] for name in sorted(kept)]

    def deallocate(self, group: str, name: str) -> None:
        """Delete a prepared statement. Raises ResourceNotFoundError."""
        self.prepared(group, name)
        with self._lock:
            self._found[group].prepared.pop(name, None)
            self._changed()

    def save(self, group: str, query: NamedQuery) -> None:
        """Store a named query. Raises InvalidRequestError."""
        with self._lock:
            self._known(group).named[query.id] = query
            self._changed()

    def saved(self, query_id: str) -> tuple[str, NamedQuery]:
        """Return a named query's workgroup and the query. Raises InvalidRequestError."""
        with self._lock:
            for group in self._found.values():
                if query_id in group.named:
                    return group.name, group.named[query_id]
        raise InvalidRequestError(f"NamedQuery {query_id} was not found")

    def all_saved(self, group: str) -> list[NamedQuery]:
        """A workgroup's named queries, in the order they were saved. Raises InvalidRequestError."""
        with self._lock:
            return list(self._known(group).named.values())

    def forget(self, query_id: str) -> None:
        """Delete a named query. Raises InvalidRequestError."""
        group, _ = self.saved(query_id)
        with self._lock:
            self._known(group).named.pop(query_id, None)
            self._changed()


def _limit(changes: dict[str, Any], before: int) -> int:
    if changes.get("RemoveBytesScannedCutoffPerQuery"):
        return 0
    return int(changes.get("BytesScannedCutoffPerQuery", before))
