"""Wiring: the one place that builds the control plane from the environment."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from control.adapters.aws import is_loopback
from control.adapters.clock import WallClock
from control.adapters.dynamodb import DynamoStore
from control.adapters.git import commits_missing as commits_missing
from control.adapters.git import files_at as files_at
from control.adapters.git import versions_of as versions_of
from control.adapters.glue import GlueCatalog
from control.adapters.glue_listing import GlueListing
from control.adapters.glue_listing import governed_places as governed_places
from control.adapters.parquet import decode as decode
from control.adapters.parquet import encode, event_kinds
from control.adapters.parquet import hive_columns as hive_columns
from control.adapters.retrying import retrying
from control.adapters.s3 import S3Objects
from control.config import Settings, from_environment
from control.errors import UsageError
from control.orders import Report, WorkOrder
from control.ports import (
    AlertTopic,
    Clock,
    Engine,
    Listing,
    MetadataCatalog,
    Notifications,
    ObjectStore,
    Parts,
    Query,
    Say,
    Statements,
    Warehouse,
)
from control.retention.judge import Keep
from control.stacks import Stacks

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


def connect_warehouse(environ: Mapping[str, str], workgroup: str) -> Warehouse:
    """Connect to the tables that dbt builds; statements run in an Athena workgroup."""
    settings = from_environment(environ)
    return Warehouse(
        settings=settings,
        bronze=bronze_database(environ),
        listing=GlueListing(settings),
        query=query(environ, workgroup),
        statements=statements(environ, workgroup),
        objects=S3Objects(settings),
        catalog=GlueCatalog(settings),
        encode=encode,
        clock=WallClock(),
    )


def statements(environ: Mapping[str, str], workgroup: str) -> Statements:
    """Return Athena's history of a workgroup."""
    from control.adapters.athena import AthenaStatements

    return AthenaStatements(from_environment(environ), workgroup)


def query(environ: Mapping[str, str], workgroup: str) -> Query:
    """Return a function that runs statements on Athena."""
    from control.adapters.athena import AthenaQuery

    return AthenaQuery(from_environment(environ), workgroup, WallClock().sleep)


def catalog_listing(environ: Mapping[str, str]) -> Listing:
    """Return the listing of the catalog's tables."""
    return GlueListing(from_environment(environ))


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
