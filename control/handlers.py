"""Thin AWS Lambda handlers, which call the same functions as the command line.

`register` consumes a queue of S3 notifications; with `ReportBatchItemFailures` set, only the failed messages
are redelivered. `ingest` runs one scheduled pass with the light engine, and `retention` runs retention once.
"""

import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from control.config import from_environment
from control.contracts import promises
from control.contracts.load import readers
from control.errors import ControlError, DataError
from control.ingest import alerts, events, tables
from control.ingest.files import table_names
from control.ingest.rules import Rules
from control.ingest.run import run
from control.ports import Parts
from control.retention.let_go import check_lost, let_go
from control.retention.table import judge_tables
from control.wiring import alert_topic, connect, kept_days, query


def register(event: Mapping[str, Any], context: object) -> dict[str, list[dict[str, str]]]:  # noqa: ARG001
    """Register the raw files named in a batch of SQS messages; return the messages to redeliver.

    A message that is not an S3 notification is logged and dropped: a retry would not help.
    """
    parts, known = _parts(), tables.load(from_environment(os.environ))
    failed = []
    for message in event["Records"]:
        try:
            events.register_all(message["body"], known, parts)
        except DataError as error:
            say("message.dropped", {"id": message["messageId"], "error": error.message})
        except ControlError as error:
            say("message.failed", {"id": message["messageId"], "error": error.message})
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def ingest(event: Mapping[str, Any], context: object) -> dict[str, object]:  # noqa: ARG001
    """Run one pass of ingestion; `{"table": …}` in the event restricts it to one table.

    New files are registered by `register`, so the bucket is listed only once an hour.
    """
    settings = from_environment(os.environ)
    known = tables.load(settings, event.get("table"))
    rules = Rules(lease_seconds=settings.lease_seconds)
    others = set(tables.names(settings)) - set(known)
    outcome = run(known, _parts(), rules, choice="light", listing="when_due", others=others)
    alerts.note(outcome.findings, _parts())
    if topic := alert_topic(os.environ):
        alerts.deliver(topic, _parts())
    for finding in outcome.findings:
        say("finding", {"code": finding.code, "where": finding.where, "message": finding.message})
    return {"registered": outcome.registered, "batches": len(outcome.batches), "left": outcome.left}


def retention(event: Mapping[str, Any], context: object) -> dict[str, object]:  # noqa: ARG001
    """Tag objects that are no longer needed and restore those that are needed again, as `dm retention run`.

    `{"table": …}` in the event restricts it to one table. If a batch that is needed again has lost objects,
    raises DataError after everything else is done.
    """
    parts = _parts()
    contracts, keep = parts.settings.contracts, kept_days(os.environ)
    asked = query(os.environ, os.environ["DM_WORKGROUP"])
    names, promised = table_names(parts, event.get("table")), promises.kept(contracts / "bronze")
    tables = judge_tables(names, readers(contracts), asked, keep, parts, promised)
    done = [work for table in tables for work in let_go(table, parts)]
    for one, objects in done:
        if objects.missing:
            number = one.batch.number if one.batch else None
            say("batch.lost", {"table": one.table, "batch": number, "missing": objects.missing})
    check_lost(done)
    sizes = [objects for _, objects in done]
    return {
        "tagged": sum(one.tagged for one in sizes),
        "taken_back": sum(one.taken_back for one in sizes),
        "returned": sum(one.returned for one in sizes),
    }


def say(event: str, fields: Mapping[str, object]) -> None:
    """Write an event as one JSON object on stderr, where CloudWatch finds it."""
    sys.stderr.write(json.dumps({"event": event, **fields}, default=str) + "\n")


@cache
def _parts() -> Parts:
    """The clients, cached between invocations."""
    return connect(os.environ, say)
