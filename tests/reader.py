"""A concurrent reader of silver and gold: whatever runs beside it, every table stays listed and readable."""

import json
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from random import Random

GET_TABLES = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/glue/aws4_request, Signature=none",
    "Content-Type": "application/x-amz-json-1.1",
    "X-Amz-Target": "AWSGlue.GetTables",
}


@dataclass
class Reader:
    """Lists the tables of silver and gold (in turn) every 50 ms, and reads one of them once a second.

    It calls the catalog without boto3, whose client would take longer than all dbt builds together.
    """

    endpoint: str
    query: Callable[[str], object]
    seen: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    polls: int = 0
    reads: int = 0

    def __enter__(self) -> "Reader":
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _poll(self) -> None:
        with closing(HTTPConnection(self.endpoint.removeprefix("http://"))) as catalog:
            self._poll_with(catalog, Random(0))

    def _poll_with(self, catalog: HTTPConnection, chance: Random) -> None:
        while not self._ended.wait(0.05):
            self._look(catalog)
            if self.seen and self.polls % 20 == 0:
                self._read(chance.choice(sorted(self.seen)))
        for _ in range(2):  # the reader may have been too slow to see what the last build made
            self._look(catalog)

    def _look(self, catalog: HTTPConnection) -> None:
        self.polls += 1
        schema = ("silver", "gold")[self.polls % 2]
        catalog.request("POST", "/", json.dumps({"DatabaseName": schema}), GET_TABLES)
        # The schema may not exist yet.
        found = json.loads(catalog.getresponse().read()).get("TableList", ())
        there = {f"{schema}.{one['Name']}" for one in found if not one["Name"].endswith("__audit")}
        before = {name for name in self.seen if name.startswith(schema)}
        self.missing += [f"{name} at poll {self.polls}" for name in before - there]
        self.seen |= there

    def _read(self, name: str) -> None:
        self.reads += 1
        try:
            self.query(f"select * from {name} limit 5")
        except Exception as error:  # every error that a reader can get is a finding
            self.failed.append(f"{name}: {error}")
