"""Export lineage as OpenLineage events, for Marquez, DataHub, OpenMetadata and others.

There is one COMPLETE event per table, for the job that makes it. The run id is derived from the event's
content, so publishing the same lineage again adds no run.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import requests
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import column_lineage_dataset, schema_dataset
from openlineage.client.serde import Serde
from openlineage.client.transport.http import HttpConfig, HttpTransport

from control.errors import UnavailableError, UpstreamError
from control.lineage.ask import Graph, Hop
from control.lineage.model import split_column

PRODUCER = "https://pypi.org/project/lakehouse-in-a-box"
# https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json: the subtypes it names.
_SUBTYPES = {
    "where": "FILTER",
    "having": "FILTER",
    "filter where": "FILTER",
    "qualify": "FILTER",
    "join on": "JOIN",
    "group by": "GROUP_BY",
    "order by": "SORT",
    "partition by": "WINDOW",
    "frame": "WINDOW",
}
_AGGREGATE = re.compile(r"\b(sum|avg|count|min|max|array_agg|listagg|approx_\w+)\(", re.IGNORECASE)
_PLAIN = re.compile(r'(?:[\w.]|"[^"]*")+')


@dataclass(frozen=True, slots=True)
class Names:
    """The namespaces of the systems that hold tables, by OpenLineage's naming rules.

    `athena` is `awsathena://athena.<region>.amazonaws.com`, `raw` is `s3://<bucket>`, `source` is
    `postgres://<host>:<port>` for PostgreSQL, and `job` is the namespace of jobs. `catalog` is the first part
    of an Athena table's name.
    """

    athena: str
    raw: str
    source: str
    job: str
    catalog: str = "awsdatacatalog"

    def of(self, relation: str) -> tuple[str, str]:
        """Return the namespace and name of a table in lineage.json."""
        first, _, rest = relation.partition(".")
        if first == "source":
            return self.source, rest
        if first == "raw":
            return self.raw, f"raw/{rest}"
        return self.athena, f"{self.catalog}.{relation}"


def events(graph: Graph, names: Names, now: datetime, *, direct_only: bool) -> Iterator[RunEvent]:
    """Yield the event of each table that edges lead to, in order.

    `direct_only` omits indirect edges, for catalogs that do not distinguish the two.
    """
    tables: dict[str, dict[str, list[Hop]]] = {}
    for column, hops in sorted(graph.up.items()):
        table, name = split_column(column)
        kept = [hop for hop in hops if hop.kind == "direct" or not direct_only]
        if kept:
            tables.setdefault(table, {})[name] = kept
    for table, columns in tables.items():
        yield _event(table, columns, names, now)


def _event(table: str, columns: Mapping[str, Sequence[Hop]], names: Names, now: datetime) -> RunEvent:
    fields = {
        name: column_lineage_dataset.Fields(inputFields=list(_inputs(hops, names)))
        for name, hops in columns.items()
    }
    lineage = column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields)
    schema = schema_dataset.SchemaDatasetFacet(
        fields=[schema_dataset.SchemaDatasetFacetFields(name=name) for name in columns]
    )
    parents = sorted({split_column(hop.source)[0] for hops in columns.values() for hop in hops})
    content = Serde.to_json(lineage)
    space, name = names.of(table)
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=now.isoformat(),
        run=Run(runId=str(uuid5(NAMESPACE_URL, f"{space}/{name}/{content}"))),
        job=Job(namespace=names.job, name=table),
        producer=PRODUCER,
        inputs=[InputDataset(*names.of(parent)) for parent in parents],
        outputs=[OutputDataset(space, name, facets={"columnLineage": lineage, "schema": schema})],
    )


def _inputs(hops: Iterable[Hop], names: Names) -> Iterator[column_lineage_dataset.InputField]:
    """Yield one input per source column, with each of its transformations."""
    ways: dict[str, list[column_lineage_dataset.Transformation]] = {}
    for hop in hops:
        ways.setdefault(hop.source, []).append(_transformation(hop))
    for source, found in ways.items():
        table, field = split_column(source)
        space, name = names.of(table)
        yield column_lineage_dataset.InputField(space, name, field, transformations=found)


def _transformation(hop: Hop) -> column_lineage_dataset.Transformation:
    masking = hop.expression.startswith("hmac_sha256(")
    return column_lineage_dataset.Transformation(
        type=hop.kind.upper(), subtype=_subtype(hop), description=hop.expression, masking=masking
    )


def _subtype(hop: Hop) -> str:
    if hop.kind == "indirect":
        return next((s for words, s in _SUBTYPES.items() if hop.expression.startswith(words)), "CONDITIONAL")
    if _PLAIN.fullmatch(hop.expression):
        return "IDENTITY"
    return "AGGREGATION" if _AGGREGATE.search(hop.expression) else "TRANSFORMATION"


def save(found: Iterable[RunEvent], path: Path) -> int:
    """Write events to a file atomically, one JSON object a line; return how many."""
    lines = [Serde.to_json(event) for event in found]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    partial.replace(path)
    return len(lines)


def send(found: Iterable[RunEvent], url: str, timeout: float, key: str) -> int:
    """Post events to an OpenLineage server, with `key` as bearer token unless it is empty; return how many.

    The client retries what a server may accept later. Raises UnavailableError when it cannot be reached and
    UpstreamError when it refuses an event. Sending all events again later is safe.
    """
    config: dict[str, Any] = {"url": url, "timeout": timeout, "retry": {"total": 2, "connect": 2}}
    if key:
        config["auth"] = {"type": "api_key", "apiKey": key}
    transport = HttpTransport(HttpConfig.from_dict(config))
    count = 0
    for event in found:
        try:
            transport.emit(event)
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else "an error"
            raise UpstreamError(f"{url} answered {status} to the event of {event.job.name}") from None
        except requests.RequestException as error:
            hint = "start it, or write a file with --openlineage FILE and send that later"
            raise UnavailableError(f"{url} cannot be reached: {type(error).__name__}", hint=hint) from None
        count += 1
    return count
