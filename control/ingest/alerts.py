"""Alerts: one message per incident, put into an outbox first, so that a topic that is away loses none.

An incident has one id, however often it is met: what was sent once is not sent again. Only a process that
dies between sending and noting so sends twice. Messages name tables, batches and keys, never a row's value.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from control.errors import NotFoundError, ThrottledError, UnavailableError
from control.ingest.run import Outcome
from control.model import Batch
from control.papers import from_json, to_json
from control.ports import AlertTopic, Parts

# Control records after which the rows that came before no longer tell the truth.
ALARMING = ("truncate-table", "drop-table", "drop-column", "change-column-type", "rename-table")


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that a person should know of. `key` tells one incident of a kind and table from another."""

    kind: str
    table: str
    key: str
    message: str
    at: datetime

    @property
    def id(self) -> str:
        """The same for the same incident."""
        return hashlib.sha256("\n".join((self.kind, self.table, self.key)).encode()).hexdigest()[:24]


def note(outcome: Outcome, parts: Parts) -> int:
    """Put what a run met into the outbox, unless it was sent already; how many are new."""
    return sum(_put(incident, parts) for incident in _incidents(outcome, parts.clock.now()))


def deliver(topic: AlertTopic, parts: Parts) -> int:
    """Send what is in the outbox; how many were sent. What cannot be sent now stays for the next time."""
    sent = 0
    for found in list(parts.objects.list(_folder("outbox", parts))):
        if not found.is_latest:
            continue
        incident = from_json(Incident, parts.objects.get(found.uri), found.uri)
        try:
            topic.publish(f"{incident.kind}: {incident.table}", incident.message, incident.id)
        except (ThrottledError, UnavailableError) as error:
            parts.say("alert.left", {"kind": incident.kind, "table": incident.table, "error": error.message})
            continue
        parts.objects.put(_uri("sent", incident, parts), to_json(incident))
        parts.objects.delete([found.uri])
        sent += 1
    return sent


def _incidents(outcome: Outcome, now: datetime) -> Iterator[Incident]:
    for finding in outcome.findings:
        if finding.severity == "error" and finding.code != "batch.failed":
            # The same trouble on another day is worth another message.
            key = f"{now.date().isoformat()} {finding.where} {finding.message}"
            yield Incident(finding.code, finding.where, key, finding.message, now)
    for batch in outcome.batches:
        if batch.state == "failed":
            yield _of_batch("batch.failed", batch, batch.error, now)
        for kind in ALARMING:
            if batch.state == "published" and (batch.events or {}).get(kind):
                message = f"the source said {kind}, published with batch {batch.number}"
                yield _of_batch(f"source.{kind}", batch, message, now)


def _of_batch(kind: str, batch: Batch, message: str, now: datetime) -> Incident:
    return Incident(kind, batch.table, f"{batch.batch_id}-e{batch.epoch}", message, now)


def _put(incident: Incident, parts: Parts) -> bool:
    try:
        parts.objects.get(_uri("sent", incident, parts))
    except NotFoundError:
        return parts.objects.create(_uri("outbox", incident, parts), to_json(incident))
    return False


def _folder(name: str, parts: Parts) -> str:
    return f"s3://{parts.settings.bucket}/alerts/{name}/"


def _uri(name: str, incident: Incident, parts: Parts) -> str:
    return f"{_folder(name, parts)}{incident.id}.json"
