"""Wiring: the one place that builds the control plane from the environment."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import uuid4

from control.adapters.aws import is_loopback
from control.adapters.clock import WallClock
from control.adapters.dynamodb import DynamoStore
from control.adapters.git import files_at as files_at
from control.adapters.git import versions_of as versions_of
from control.adapters.glue import GlueCatalog
from control.adapters.glue_listing import GlueListing, governed_places
from control.adapters.parquet import event_kinds
from control.adapters.parquet import hive_columns as hive_columns
from control.adapters.retrying import retrying
from control.adapters.s3 import S3Objects
from control.config import Settings, from_environment
from control.cost.record import record
from control.cost.runs import Cost, Run, executions
from control.errors import UsageError
from control.maintenance.lease import freed
from control.maintenance.lease import held as writer_lease
from control.maintenance.tables import DAY_SECONDS, Upkeep, chosen, in_order, kept, measured
from control.model import Finding, RawFile
from control.orders import Report, WorkOrder
from control.ports import (
    AlertTopic,
    Clock,
    Engine,
    Execution,
    Listing,
    MetadataCatalog,
    Notifications,
    ObjectStore,
    Parts,
    Query,
    Say,
    Statements,
)
from control.retention.judge import Keep
from control.stacks import Stacks
from control.waivers import Held, Place, StateTable, Waiver, held, in_force, stopped, waive

# Methods of the control store that are retried when throttled.
STORE = ("get", "get_many", "create", "update", "query", "at_hand", "etags", "etags_of")


def silent(event: str, fields: Mapping[str, object]) -> None:
    """Say nothing."""


def connect(environ: Mapping[str, str], say: Say = silent) -> Parts:
    """Connect to the cloud that `environ` names.

    On a local cloud, which starts empty, the bucket and the control table are created if they are missing. On
    AWS the deployment creates them.
    """
    settings = from_environment(environ)
    store, objects = DynamoStore(settings), S3Objects(settings)
    # A deployment's role (which has a session token) must not create anything.
    if is_loopback(settings.endpoint) and not environ.get("AWS_SESSION_TOKEN"):
        ensure(settings, store, objects)
    clock = WallClock()
    patient = retrying(objects, ("put", "create", "get", "delete"), clock)
    return Parts(
        settings=settings,
        store=retrying(store, STORE, clock),
        objects=patient,
        catalog=retrying(GlueCatalog(settings), ("ensure_table", "add_partition", "get_partition"), clock),
        engines={
            "light": OnDemand(lambda: _light(patient, settings)),
            "spark": OnDemand(lambda: _spark(patient, settings, environ, clock)),
        },
        clock=clock,
        event_kinds=event_kinds,
        say=say,
    )


def alert_topic(environ: Mapping[str, str]) -> AlertTopic | None:
    """Return the topic whose ARN is in `DM_ALERT_TOPIC`, None if that is not set."""
    arn = environ.get("DM_ALERT_TOPIC")
    if not arn:
        return None
    from control.adapters.sns import SnsTopic

    return SnsTopic(from_environment(environ), arn)


def raw_queue(environ: Mapping[str, str]) -> Notifications | None:
    """Return the queue of S3 notifications whose URL is in `DM_RAW_QUEUE`, None if that is not set."""
    url = environ.get("DM_RAW_QUEUE")
    if not url:
        return None
    from control.adapters.sqs import SqsQueue

    return SqsQueue(from_environment(environ), url)


def ensure(settings: Settings, store: DynamoStore, objects: S3Objects) -> None:
    """Create the lake's bucket and the control table if they do not exist."""
    objects.ensure_bucket(settings.bucket)
    store.ensure()


def statements(environ: Mapping[str, str], workgroup: str) -> Statements:
    """Return Athena's history of a workgroup."""
    from control.adapters.athena import AthenaStatements

    return AthenaStatements(from_environment(environ), workgroup)


def record_costs(environ: Mapping[str, str], workgroup: str, since: datetime) -> list[tuple[Run, list[Cost]]]:
    """Record the cost of the dbt runs since a given time."""
    from control.adapters.parquet import encode

    settings = from_environment(environ)
    return record(
        statements(environ, workgroup),
        since,
        objects=S3Objects(settings),
        catalog=GlueCatalog(settings),
        encode=encode,
        lake=settings.bucket,
        prefix=settings.schema_prefix,
    )


def query(environ: Mapping[str, str], workgroup: str) -> Query:
    """Return a function that runs statements on Athena."""
    from control.adapters.athena import AthenaQuery

    return AthenaQuery(from_environment(environ), workgroup, WallClock().sleep)


def held_records(environ: Mapping[str, str], workgroup: str) -> list[Held]:
    """Return the records that keep silver tables from being built; the contracts name their inputs."""
    from control.contracts import load

    settings = from_environment(environ)
    contracts = load.folder(settings.contracts)
    return list(
        held(
            [
                StateTable(
                    str(one.properties["bronze"]).removeprefix("bronze."),
                    str(state),
                    one.open_key,
                    frozenset(
                        c.name for c in one.columns if c.name in one.open_key and c.type == "timestamp"
                    ),
                )
                for one in contracts
                if (state := one.properties.get("stateTable"))
            ],
            query(environ, workgroup),
            prefix=settings.schema_prefix,
            bronze=bronze_database(environ),
        )
    )


def catalog_listing(environ: Mapping[str, str]) -> Listing:
    """Return the listing of the catalog's tables."""
    return GlueListing(from_environment(environ))


def stopped_tables(environ: Mapping[str, str]) -> list[str]:
    """Return the silver and gold tables that were not published because rows broke their contract."""
    settings = from_environment(environ)
    return stopped(GlueListing(settings), settings.schema_prefix)


def waive_record(
    environ: Mapping[str, str],
    parts: Parts,
    workgroup: str,
    file: RawFile,
    where: Place,
    reason: str,
    until: date,
) -> Waiver:
    """Leave one record out of silver until a given day. Raises UsageError if bronze has no such record."""
    from control.adapters.parquet import encode

    ask = query(environ, workgroup)
    bronze = bronze_database(environ)
    return waive(file, where, reason, until, parts=parts, query=ask, encode=encode, bronze=bronze)


def waivers_in_force(parts: Parts) -> list[Waiver]:
    """Return the records that are left out of silver today."""
    from control.adapters.parquet import decode

    return in_force(parts, decode)


def bronze_database(environ: Mapping[str, str]) -> str:
    """Return the bronze database, which developers with schemas of their own may share."""
    return environ.get("DM_BRONZE_PREFIX", environ.get("DM_SCHEMA_PREFIX", "")) + "bronze"


def kept_days(environ: Mapping[str, str]) -> Keep:
    """Return the minimum retention from `DM_RAW_DAYS`, `DM_BRONZE_DAYS` and `DM_QUARANTINE_DAYS`.

    Raises UsageError if one is not a number of days.
    """

    def days(name: str) -> timedelta:
        text = environ.get(name, "")
        if not text.isascii() or not text.replace(".", "", 1).isdecimal():
            raise UsageError(f"{name} is a number of days, not {text!r}")
        return timedelta(days=float(text))

    return Keep(days("DM_RAW_DAYS"), days("DM_BRONZE_DAYS"), days("DM_QUARANTINE_DAYS"))


def examine(environ: Mapping[str, str], workgroup: str) -> list[Finding]:
    """Return the findings of `dm doctor` in the cloud."""
    from control.doctor import lease, rights, warehouse

    settings = from_environment(environ)
    listing, prefix = GlueListing(settings), settings.schema_prefix
    return [
        *warehouse.examine(listing, prefix),
        *warehouse.governed(listing, prefix, governed_places(settings)),
        *rights.examine(S3Objects(settings), settings.bucket),
        *lease.examine(query(environ, workgroup), prefix),
    ]


def upkeep(
    environ: Mapping[str, str], workgroup: str, names: Sequence[str], keep_days: float
) -> Iterator[Upkeep]:
    """Measure the Iceberg tables of silver and gold: files, bytes and snapshots."""
    settings = from_environment(environ)
    prefix = settings.schema_prefix
    entries = kept(GlueListing(settings), prefix)
    models = [entry.name for entry in entries]
    return measured(
        chosen(entries, names), models, query(environ, workgroup), prefix, round(keep_days * DAY_SECONDS)
    )


def maintained(
    environ: Mapping[str, str],
    workgroup: str,
    names: Sequence[str],
    keep_days: float,
    most: timedelta = timedelta.max,
) -> Iterator[Upkeep]:
    """Maintain the tables under the writer lease, and yield each; no statement starts after `most`."""
    settings = from_environment(environ)
    ask, prefix = query(environ, workgroup), settings.schema_prefix
    clock = WallClock()
    began = clock.now()
    entries = kept(GlueListing(settings), prefix)
    models, ours = [entry.name for entry in entries], chosen(entries, names)
    if not ours:
        return
    with writer_lease(ask, prefix, run=str(uuid4()), who=settings.actor) as renew:
        planned = []
        for one in measured(ours, models, ask, prefix, round(keep_days * DAY_SECONDS)):
            renew()
            planned.append(one)
        yield from in_order(planned, ask, renew, lambda: clock.now() - began <= most)


def freed_lease(environ: Mapping[str, str], workgroup: str, build: str) -> Iterator[int]:
    """Free the writer lease of a dead build; yields how many of its statements are still running."""
    known = statements(environ, workgroup)

    def issued(invocation: str, since: datetime) -> list[Execution]:
        return [execution for _, execution in executions(Run(invocation, since), known)]

    prefix = from_environment(environ).schema_prefix
    return freed(query(environ, workgroup), prefix, build, issued, WallClock())


def metadata_catalog(environ: Mapping[str, str], url: str) -> MetadataCatalog:
    """Return the OpenMetadata server at `url`, with the token in `OPENMETADATA_TOKEN`, if any."""
    from control.adapters.openmetadata import OpenMetadata

    server = OpenMetadata(url, environ.get("OPENMETADATA_TOKEN", ""))
    methods = ("find", "put", "patch", "edges", "put_edge", "remove_edge", "results", "add_result")
    return retrying(server, methods, WallClock())


def deployment(environ: Mapping[str, str]) -> tuple[Settings, Stacks, ObjectStore, Clock]:
    """Return what `dm deploy` works with: settings, stacks, the object store and a clock."""
    from control.adapters.cloudformation import CloudFormation

    settings = from_environment(environ)
    clock = WallClock()
    return settings, CloudFormation(settings), S3Objects(settings), clock


class OnDemand:
    """An engine that is created on first use, so that `dm status` does not wait for the parser's imports."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._engine: Engine | None = None

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        """See Engine."""
        self._engine = self._engine or self._make()
        return self._engine.run(order, beat)


def _light(objects: S3Objects, settings: Settings) -> Engine:
    from control.adapters.light import LightEngine

    return LightEngine(objects, settings.token_key)


def _spark(objects: S3Objects, settings: Settings, environ: Mapping[str, str], clock: WallClock) -> Engine:
    from control.adapters import job_runs
    from control.adapters.spark_submit import SparkSubmitEngine

    runs = job_runs.service(settings, environ)
    return job_runs.JobEngine(runs, objects, clock) if runs else SparkSubmitEngine(objects, environ)
