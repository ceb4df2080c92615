"""Glue as a lakehouse needs it: stale commits are refused, names are in lower case, statistics are kept."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.glue import utils
from moto.glue.exceptions import GlueClientError
from moto.glue.responses import GlueResponse

from localcloud.aws.patches.replacing import add, replace

# Actions whose plain `Name` is that of a database or table; names of jobs and crawlers stay as they are.
NAMED = {f"{verb}{kind}" for verb in ("Get", "Update", "Delete") for kind in ("Database", "Table")}
Handler = Callable[[Any], ActionResult]


class ConcurrentModificationError(GlueClientError):
    """Another writer changed the table first."""

    def __init__(self, given: str, current: str) -> None:
        message = f"Update table failed due to concurrent modifications: version {given}, now {current}."
        super().__init__("ConcurrentModificationException", message)


def apply() -> None:
    """Fix Glue's handlers."""
    replace(
        GlueResponse,
        parameters=property(_parameters),
        get_table=_get_table,
        update_table=_with_version(GlueResponse.update_table),
        get_partitions=_in_first_segment(GlueResponse.get_partitions),
    )
    replace(utils, _cast=_with_plain_types(utils._cast))
    for kind in ("table", "partition"):
        for verb, handler in _STATISTICS.items():
            add(GlueResponse, **{f"{verb}_column_statistics_for_{kind}": handler})


def _parameters(response: Any) -> dict[str, Any]:
    """Return the request's parameters, with names of databases and tables in lower case, as Glue has them."""
    parameters: dict[str, Any] = json.loads(response.body)
    places = [(parameters, "DatabaseName"), (parameters, "TableName")]
    if response._get_action() in NAMED:
        places.append((parameters, "Name"))
    places += [(parameters[key], "Name") for key in ("DatabaseInput", "TableInput") if key in parameters]
    for place, name in places:
        if isinstance(place.get(name), str):
            place[name] = place[name].lower()
    return parameters


def _get_table(response: Any) -> tuple[str, dict[str, str]]:
    """Answer GetTable, which every statement calls for each of its tables, without moto's serializer.

    moto tries up to seven names in the table for each field of the model: 0.5 of 1.2 ms with 12 columns.
    """
    parameters = response.parameters
    table = response.glue_backend.get_table(parameters.get("DatabaseName"), parameters.get("Name"))
    found = {name: value for name, value in table.as_dict().items() if value is not None}
    return json.dumps({"Table": found}, default=_seconds), {"Content-Type": "application/x-amz-json-1.1"}


def _seconds(moment: datetime) -> float:
    """Return a time as in AWS's JSON: seconds, to the millisecond."""
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000) / 1000


def _with_version(original: Handler) -> Handler:
    """Refuse UpdateTable with a stale VersionId; otherwise commits are lost: 23 of 78 were.

    Requests to Glue run one at a time (see `localcloud.aws.front`), so the check and the change are atomic.
    SkipArchive drops the previous version, as in Glue; otherwise the columns of every commit stay in memory.
    """

    def update_table(response: Any) -> ActionResult:
        parameters = response.parameters
        table = response.glue_backend.get_table(parameters["DatabaseName"], parameters["TableInput"]["Name"])
        current = str(table._current_version)
        given = parameters.get("VersionId")
        if given is not None and str(given) != current:
            raise ConcurrentModificationError(str(given), current)
        result = original(response)
        if parameters.get("SkipArchive"):
            table.versions.pop(current, None)
        return result

    return update_table


def _in_first_segment(original: Handler) -> Handler:
    """Answer GetPartitions with all partitions in the first segment; moto returns all of them in each."""

    def get_partitions(response: Any) -> ActionResult:
        segment = response.parameters.get("Segment") or {}
        if int(segment.get("SegmentNumber", 0)) > 0:
            return ActionResult({"Partitions": []})
        return original(response)

    return get_partitions


def _with_plain_types(original: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Allow expressions on partition keys of type decimal(p,s), varchar(n) or boolean, which moto refuses."""

    def cast(type_: str, value: Any) -> Any:
        plain = re.sub(r"\(.*", "", type_.lower())
        return str(value).lower() if plain == "boolean" else original(plain, value)

    return cast


def _statistics(response: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters, and the column statistics of the table or partition that they name."""
    parameters = response.parameters
    owner = response.glue_backend.get_table(parameters["DatabaseName"], parameters["TableName"])
    if "PartitionValues" in parameters:
        owner = owner.get_partition(parameters["PartitionValues"])
    return parameters, owner.__dict__.setdefault("column_statistics", {})


def _get_statistics(response: Any) -> ActionResult:
    parameters, kept = _statistics(response)
    found = [kept[name] for name in parameters["ColumnNames"] if name in kept]
    return ActionResult({"ColumnStatisticsList": found, "Errors": []})


def _update_statistics(response: Any) -> ActionResult:
    parameters, kept = _statistics(response)
    kept.update({given["ColumnName"]: given for given in parameters["ColumnStatisticsList"]})
    return ActionResult({"Errors": []})


def _delete_statistics(response: Any) -> ActionResult:
    parameters, kept = _statistics(response)
    kept.pop(parameters["ColumnName"], None)
    return ActionResult({})


_STATISTICS: dict[str, Handler] = {
    "get": _get_statistics,
    "update": _update_statistics,
    "delete": _delete_statistics,
}
