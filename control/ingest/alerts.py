"""Alerts: one message per incident, put into an outbox first, so that a topic that is away loses none.

An incident has one id, however often it is met: what was sent once is not sent again. Only a process that
dies between sending and noting so sends twice. Messages name tables, batches and keys, never a row's value.
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

# Findings that are put into the outbox where they are made, under an id that outlives the day.
APART = ("batch.failed", "raw.unknown_table", "raw.key")


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


def put(incident: Incident, parts: Parts) -> bool:
    """Put an incident into the outbox, unless it is there or was sent; is it new?"""
    try:
        parts.objects.get(_uri("sent", incident, parts))
    except NotFoundError:
        return parts.objects.create(_uri("outbox", incident, parts), to_json(incident))
    return False


def tell(batch: Batch, parts: Parts) -> None:
    """Put what people must know of an ended batch into the outbox, and note on the batch that it is there.

    Until then the batch is among those that need someone: a process that dies in between loses no alert.
    """
    if batch.untold:
        about = files.described(batch, parts)
        for incident in of_batch(batch, parts.clock.now(), about):
            put(incident, parts)
        with suppress(ConflictError):  # redriven meanwhile: it is told of when it ends again
            parts.store.update(batch, replace(batch, told=True))


def note(findings: Iterable[Finding], parts: Parts) -> int:
    """Put findings that are errors into the outbox, unless that was done today; how many are new.

    What has incidents of its own is not among them: see `tell`, and `strays.tell`.
    """
    now = parts.clock.now()
    errors = [found for found in findings if found.severity == "error" and found.code not in APART]
    # The same trouble on another day is worth another message.
    keys = [f"{now.date().isoformat()} {found.where} {found.message}" for found in errors]
    return sum(
        put(Incident(found.code, found.where, key, found.message, now), parts)
        for key, found in zip(keys, errors, strict=True)
    )


def of_batch(batch: Batch, now: datetime, about: str) -> Iterator[Incident]:
    """The incidents of an ended batch: of the same batch and epoch the same ones, whoever asks.

    `about` names its raw files.
    """
    for kind in batch.alarms:
        key = f"{batch.batch_id}-e{batch.epoch}"
        if kind == "failed":
            yield Incident("batch.failed", batch.table, key, of_failure(batch, about), now)
        else:
            message = f"the source said {kind}, published with batch {batch.number}: {about}"
            yield Incident(f"source.{kind}", batch.table, key, message, now)


def of_failure(failed: Batch, about: str) -> str:
    """What people are told of a batch that failed: why, which files, `about`, and what to do."""
    name = failed.file_ids[0][: files.SHOWN_ID]
    if failed.counts:  # it was read, and refused for what is in it
        remedy = (
            f"`dm quarantine show {name}` says why. Land it anew under another key and "
            f"`dm quarantine waive {name}`, or mend the contract and `dm files redrive {name}`"
        )
    else:
        remedy = (
            f"`dm files show {name}` says why; once that is mended, `dm files redrive {name}`, "
            f"and where it cannot be, `dm quarantine waive {name}`"
        )
    return f"{failed.error}: {about}. {remedy}"


def deliver(topic: AlertTopic, parts: Parts) -> int:
    """Send what is in the outbox; how many were sent. What cannot be sent now stays for the next time."""
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
