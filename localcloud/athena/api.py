"""The operations of the Athena API. Each is a function from request members to response members."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.athena import api_workgroups, results
from localcloud.athena.catalog import Table, TableColumn
from localcloud.athena.errors import InvalidRequestError, metadata_not_found
from localcloud.athena.paging import PAGE, page
from localcloud.athena.queries import CANCELLED, FINAL, SUCCEEDED, Query, Request, status
from localcloud.athena.service import Service
from localcloud.athena.workgroups import ENGINE_VERSION, PRIMARY

Members = Mapping[str, Any]
LONG_POLL_SECONDS = 2.0
_MAX_ROWS = 1000
_ACCOUNT = "123456789012"


def start_query_execution(given: Members, service: Service) -> Members:
    """StartQueryExecution."""
    token = given.get("ClientRequestToken")
    if not token:
        raise InvalidRequestError("clientRequestToken is null or empty")
    context = given.get("QueryExecutionContext", {})
    request = Request(
        sql=_statement(given["QueryString"]),
        database=context.get("Database"),
        catalog=context.get("Catalog"),
        output=given.get("ResultConfiguration", {}).get("OutputLocation"),
        workgroup=given.get("WorkGroup", PRIMARY),
        parameters=tuple(given.get("ExecutionParameters", ())),
    )
    return {"QueryExecutionId": service.start(request, token).id}


def _statement(text: str) -> str:
    """Strip whitespace and the final semicolon, as Athena does before it stores a statement."""
    text = text.strip()
    return text[:-1].rstrip() if text.endswith(";") else text


def get_query_execution(given: Members, service: Service) -> Members:
    """GetQueryExecution: answers when the query ends, or after two seconds."""
    query = service.queries.get(given["QueryExecutionId"])
    query.done.wait(LONG_POLL_SECONDS)
    return {"QueryExecution": _execution(query)}


def batch_get_query_execution(given: Members, service: Service) -> Members:
    """BatchGetQueryExecution."""
    found, unknown = [], []
    for query_id in given["QueryExecutionIds"]:
        try:
            found.append(_execution(service.queries.get(query_id)))
        except InvalidRequestError as error:
            detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
            unknown.append({"QueryExecutionId": query_id, **detail})
    return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": unknown}


def stop_query_execution(given: Members, service: Service) -> Members:
    """StopQueryExecution."""
    service.queries.stop(given["QueryExecutionId"])
    return {}


def list_query_executions(given: Members, service: Service) -> Members:
    """ListQueryExecutions. The token is the number of the last query shown: new queries shift nothing."""
    group = service.workgroups.get(given.get("WorkGroup", PRIMARY)).name
    token = given.get("NextToken")
    if token is not None and not token.isdecimal():
        raise InvalidRequestError(f"The nextPageToken is malformed: {token}")
    found = [
        query
        for query in service.queries.newest()
        if query.request.workgroup == group and (token is None or query.number < int(token))
    ]
    shown = found[: given.get("MaxResults") or PAGE]
    answer = {"QueryExecutionIds": [query.id for query in shown]}
    return {**answer, "NextToken": str(shown[-1].number)} if len(found) > len(shown) else answer


def get_query_results(given: Members, service: Service) -> Members:
    """GetQueryResults. A full page has a token, even when nothing follows."""
    query = service.queries.get(given["QueryExecutionId"])
    limit = given.get("MaxResults", _MAX_ROWS)
    if limit > _MAX_ROWS:
        raise InvalidRequestError(f"MaxResults is more than maximum allowed length {_MAX_ROWS}")
    answer = _answer(query)
    total = results.row_count(answer)
    start = _offset(given, total) if total else 0
    stop = min(start + limit, total)
    found: dict[str, Any] = {"ResultSet": results.as_json(answer, start, stop)}
    count = results.update_count(answer)
    if count is not None:
        found["UpdateCount"] = count
    return {**found, "NextToken": str(stop)} if stop - start == limit else found


def _answer(query: Query) -> Any:
    state = query.state
    if state == CANCELLED or (state == SUCCEEDED and query.answer is None):
        raise InvalidRequestError("Could not find results", code="RESULT_NOT_FOUND")
    if state != SUCCEEDED:
        text = f"Query has not yet finished. Current state: {state}"
        if state in FINAL:
            text = f"Query did not finish successfully. Final query state: {state}"
        raise InvalidRequestError(text, code="INVALID_QUERY_EXECUTION_STATE")
    return query.answer


def _offset(given: Members, total: int) -> int:
    token = given.get("NextToken", "0")
    if not token.isdecimal() or int(token) > total:
        raise InvalidRequestError(f"Malformed nextPageToken {token}")
    return int(token)


def get_query_runtime_statistics(given: Members, service: Service) -> Members:
    """GetQueryRuntimeStatistics: the timeline and the rows; there are no stages to report."""
    query = service.queries.get(given["QueryExecutionId"])
    waiting, running = query.milliseconds()
    rows: dict[str, int] = {}
    if query.answer is not None:
        answer = query.answer
        written = answer.count if answer.table is None else len(answer.table)
        rows = {"InputBytes": answer.scanned_bytes, "OutputRows": written}
    timeline = {
        "QueryQueueTimeInMillis": waiting,
        "EngineExecutionTimeInMillis": running,
        "TotalExecutionTimeInMillis": waiting + running,
    }
    return {"QueryRuntimeStatistics": {"Timeline": timeline, "Rows": rows}}


def _execution(query: Query) -> dict[str, Any]:
    request, kind = query.request, query.kind
    waiting, running = query.milliseconds()
    statistics: dict[str, Any] = {
        "EngineExecutionTimeInMillis": running,
        "DataScannedInBytes": query.answer.scanned_bytes if query.answer is not None else 0,
        "TotalExecutionTimeInMillis": waiting + running,
        "QueryQueueTimeInMillis": waiting,
        "ServiceProcessingTimeInMillis": 0,
        "ResultReuseInformation": {"ReusedPreviousResult": False},
    }
    if query.manifest:
        statistics["DataManifestLocation"] = query.manifest
    context = {"Database": request.database, "Catalog": request.catalog and request.catalog.lower()}
    found: dict[str, Any] = {
        "QueryExecutionId": query.id,
        "Query": request.sql,
        "StatementType": kind.statement,
        "SubstatementType": query.substatement,
        "ResultConfiguration": {"OutputLocation": query.location},
        "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
        "QueryExecutionContext": {key: value for key, value in context.items() if value},
        "Status": status(query),
        "Statistics": statistics,
        "WorkGroup": request.workgroup,
        "EngineVersion": ENGINE_VERSION,
    }
    return {**found, "ExecutionParameters": list(request.parameters)} if request.parameters else found


def get_data_catalog(given: Members, _: Service) -> Members:
    """GetDataCatalog: there is one catalog; its name is case-insensitive."""
    _check_catalog(given["Name"])
    parameters = {"catalog-id": _ACCOUNT}
    return {"DataCatalog": {"Name": given["Name"], "Type": "GLUE", "Parameters": parameters}}


def list_data_catalogs(given: Members, _: Service) -> Members:
    """ListDataCatalogs."""
    return page(given, [{"CatalogName": "AwsDataCatalog", "Type": "GLUE"}], "DataCatalogsSummary")


def _check_catalog(name: str) -> None:
    if name.lower() != "awsdatacatalog":
        raise InvalidRequestError(f"Data catalog {name} was not found")


def get_database(given: Members, service: Service) -> Members:
    """GetDatabase."""
    _check_catalog(given["CatalogName"])
    found = service.parts.catalog.find_database(given["DatabaseName"])
    if found is None:
        raise metadata_not_found()
    return {"Database": _database(found)}


def list_databases(given: Members, service: Service) -> Members:
    """ListDatabases."""
    _check_catalog(given["CatalogName"])
    found = [_database(database) for database in service.parts.catalog.databases()]
    return page(given, found, "DatabaseList")


def _database(raw: Mapping[str, Any]) -> dict[str, Any]:
    found = {"Name": raw["Name"], "Parameters": raw.get("Parameters", {})}
    return {**found, "Description": raw["Description"]} if raw.get("Description") else found


def get_table_metadata(given: Members, service: Service) -> Members:
    """GetTableMetadata."""
    _check_catalog(given["CatalogName"])
    found = service.parts.catalog.find_table(given["DatabaseName"], given["TableName"])
    if found is None:
        raise metadata_not_found()
    return {"TableMetadata": _table(found)}


def list_table_metadata(given: Members, service: Service) -> Members:
    """ListTableMetadata; `Expression` is a regular expression that table names must match."""
    _check_catalog(given["CatalogName"])
    catalog = service.parts.catalog
    if catalog.find_database(given["DatabaseName"]) is None:
        raise metadata_not_found()
    wanted = given.get("Expression", ".*")
    try:
        named = [one for one in catalog.tables(given["DatabaseName"]) if re.fullmatch(wanted, one.name)]
    except re.error:
        raise InvalidRequestError(f"Malformed expression: {wanted}") from None
    return page(given, [_table(table) for table in named], "TableMetadataList")


def _table(table: Table) -> dict[str, Any]:
    created = table.raw.get("CreateTime")
    return {
        "Name": table.name,
        "TableType": table.raw.get("TableType", ""),
        "CreateTime": created.timestamp() if created is not None else 0.0,
        "Columns": [_column(column) for column in table.columns],
        "PartitionKeys": [_column(column) for column in table.partition_keys],
        "Parameters": {
            **table.parameters,
            "location": table.location,
            "serde.serialization.lib": table.serde,
        },
    }


def _column(column: TableColumn) -> dict[str, str]:
    found = {"Name": column.name, "Type": column.type}
    return {**found, "Comment": column.comment} if column.comment else found


def _operation_name(function: Callable[..., Any]) -> str:
    return "".join(word.capitalize() for word in function.__name__.split("_"))


OPERATIONS: dict[str, Callable[[Members, Service], Members]] = {
    _operation_name(function): function
    for function in (
        api_workgroups.batch_get_named_query,
        api_workgroups.batch_get_prepared_statement,
        batch_get_query_execution,
        api_workgroups.create_named_query,
        api_workgroups.create_prepared_statement,
        api_workgroups.create_work_group,
        api_workgroups.delete_named_query,
        api_workgroups.delete_prepared_statement,
        api_workgroups.delete_work_group,
        get_data_catalog,
        get_database,
        api_workgroups.get_named_query,
        api_workgroups.get_prepared_statement,
        get_query_execution,
        get_query_results,
        get_query_runtime_statistics,
        get_table_metadata,
        api_workgroups.get_work_group,
        list_data_catalogs,
        list_databases,
        api_workgroups.list_engine_versions,
        api_workgroups.list_named_queries,
        api_workgroups.list_prepared_statements,
        list_query_executions,
        list_table_metadata,
        api_workgroups.list_work_groups,
        start_query_execution,
        stop_query_execution,
        api_workgroups.update_named_query,
        api_workgroups.update_prepared_statement,
        api_workgroups.update_work_group,
    )
}
