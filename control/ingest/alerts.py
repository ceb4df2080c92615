"""Alerts: one message per incident, written to an outbox first, so that none is lost while the topic is down.

An incident keeps its id however often it is seen, so it is sent once. It is sent twice only if the process
dies between sending the message and recording that. Messages name tables, batches and keys, never a value of
a row.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from control.errors import ConflictError, NotFoundError, ThrottledError, UnavailableError
from control.ingest import files
from control.model import Batch, Finding
from control.ports import AlertTopic, Parts
from control.serialization import from_json, to_json

# Findings that go to the outbox where they are made, with an id that does not change from day to day.
APART = ("batch.failed", "raw.unknown_table", "raw.key")


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that a person should know. `key` distinguishes incidents of the same kind and table."""

    kind: str
    table: str
    key: str
    message: str
    at: datetime

    @property
    def id(self) -> str:
        """A digest of kind, table and key."""
        return hashlib.sha256("\n".join((self.kind, self.table, self.key)).encode()).hexdigest()[:24]


def put(incident: Incident, parts: Parts) -> bool:
    """Put an incident into the outbox unless it is there or was sent; return whether it is new."""
    try:
        parts.objects.get(_uri("sent", incident, parts))
    except NotFoundError:
        return parts.objects.create(_uri("outbox", incident, parts), to_json(incident))
    return False


def tell(batch: Batch, parts: Parts) -> None:
    """Put the alerts about an ended batch into the outbox, then mark the batch as told.

    Until it is marked, the batch counts as open, so a crash in between loses no alert.
    """
    if batch.untold:
        about = files.described(batch, parts)
        for incident in of_batch(batch, parts.clock.now(), about):
            put(incident, parts)
        with suppress(ConflictError):  # redriven meanwhile: it will cause alerts when it ends again
            parts.store.update(batch, replace(batch, told=True))


def note(findings: Iterable[Finding], parts: Parts) -> int:
    """Put findings that are errors into the outbox, each once a day; return how many are new.

    Findings with incidents of their own are left out: see `tell`, and `strays.tell`.
    """
    now = parts.clock.now()
    errors = [found for found in findings if found.severity == "error" and found.code not in APART]
    # The date in the key: the same problem is reported again on another day.
    keys = [f"{now.date().isoformat()} {found.where} {found.message}" for found in errors]
    return sum(
        put(Incident(found.code, found.where, key, found.message, now), parts)
        for key, found in zip(keys, errors, strict=True)
    )


def of_batch(batch: Batch, now: datetime, about: str) -> Iterator[Incident]:
    """Yield the incidents of an ended batch; `about` names its raw files.

    Their ids depend only on batch, epoch and kind, so all workers derive the same incidents.
    """
    for kind in batch.alarms:
        key = f"{batch.batch_id}-e{batch.epoch}"
        if kind == "failed":
            yield Incident("batch.failed", batch.table, key, of_failure(batch, about), now)
        else:
            message = f"the source said {kind}, published with batch {batch.number}: {about}"
            yield Incident(f"source.{kind}", batch.table, key, message, now)


def of_failure(failed: Batch, about: str) -> str:
    """Return the message about a failed batch: why it failed, which files (`about`), and what to do."""
    name = failed.file_ids[0][: files.SHOWN_ID]
    if failed.counts:  # it was read, and refused because of its content
        remedy = (
            f"`dm quarantine show {name}` says why. Land a corrected file under another key and "
            f"`dm quarantine waive {name}`, or fix the contract and `dm files redrive {name}`"
        )
    else:
        remedy = (
            f"`dm files show {name}` says why. Once that is fixed, `dm files redrive {name}`; "
            f"if it cannot be fixed, `dm quarantine waive {name}`"
        )
    return f"{failed.error}: {about}. {remedy}"


def deliver(topic: AlertTopic, parts: Parts) -> int:
    """Send the incidents in the outbox; return how many. Those that cannot be sent now stay there."""
    sent = 0
    for found in list(parts.objects.list(_folder("outbox", parts))):
        if not found.is_latest:
            continue
        try:
            incident = from_json(Incident, parts.objects.get(found.uri), found.uri)
        except NotFoundError:
            continue  # another run has sent it just now
        try:
            topic.publish(f"{incident.kind}: {incident.table}", incident.message, incident.id)
        except (ThrottledError, UnavailableError) as error:
            parts.say("alert.left", {"kind": incident.kind, "table": incident.table, "error": error.message})
            continue
        parts.objects.put(_uri("sent", incident, parts), to_json(incident))
        parts.objects.delete([found.uri])
        sent += 1
    return sent


def _folder(name: str, parts: Parts) -> str:
    return f"s3://{parts.settings.bucket}/alerts/{name}/"


def _uri(name: str, incident: Incident, parts: Parts) -> str:
    return f"{_folder(name, parts)}{incident.id}.json"
