"""The operations of the Athena API, each a function from the members of its call to those of its answer."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localcloud.athena import results
from localcloud.athena.catalog import Table, TableColumn
from localcloud.athena.errors import InvalidRequestError, ResourceNotFoundError, metadata_not_found
from localcloud.athena.queries import CANCELLED, FINAL, SUCCEEDED, Query, Request, status
from localcloud.athena.service import Service
from localcloud.athena.workgroups import ENGINE_VERSION, PRIMARY, PreparedStatement

Members = Mapping[str, Any]
LONG_POLL_SECONDS = 2.0
_MAX_ROWS = 1000
_PAGE = 50
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
    """Athena keeps a statement without the blanks around it and without its semicolon."""
    text = text.strip()
    return text[:-1].rstrip() if text.endswith(";") else text


def get_query_execution(given: Members, service: Service) -> Members:
    """GetQueryExecution: answers when the query is over, or after two seconds."""
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
    """ListQueryExecutions."""
    group = service.workgroups.get(given.get("WorkGroup", PRIMARY)).name
    ids = [query.id for query in service.queries.newest() if query.request.workgroup == group]
    return _page(given, ids, "QueryExecutionIds")


def get_query_results(given: Members, service: Service) -> Members:
    """GetQueryResults. A page that is full has a token, even when nothing is left."""
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
    """GetQueryRuntimeStatistics: the timeline and the rows; there are no stages to tell of."""
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


def _page(given: Members, found: Sequence[Any], key: str, limit: int = _PAGE) -> dict[str, Any]:
    """One page of a list; the token is the place of the next."""
    token = given.get("NextToken", "0")
    if not token.isdecimal() or int(token) > len(found):
        raise InvalidRequestError(f"The nextPageToken is malformed: {token}")
    start = int(token)
    stop = start + min(given.get("MaxResults", limit), limit)
    page = {key: list(found[start:stop])}
    return {**page, "NextToken": str(stop)} if stop < len(found) else page


def get_work_group(given: Members, service: Service) -> Members:
    """GetWorkGroup."""
    return {"WorkGroup": service.workgroups.get(given["WorkGroup"]).as_json()}


def list_work_groups(given: Members, service: Service) -> Members:
    """ListWorkGroups."""
    return _page(given, [group.as_summary() for group in service.workgroups.all()], "WorkGroups")


def create_work_group(given: Members, service: Service) -> Members:
    """CreateWorkGroup."""
    service.workgroups.create(given["Name"], given.get("Configuration", {}), given.get("Description", ""))
    return {}


def delete_work_group(given: Members, service: Service) -> Members:
    """DeleteWorkGroup."""
    service.workgroups.delete(given["WorkGroup"])
    return {}


def get_data_catalog(given: Members, _: Service) -> Members:
    """GetDataCatalog: the one catalog, by any spelling of its name."""
    _check_catalog(given["Name"])
    parameters = {"catalog-id": _ACCOUNT}
    return {"DataCatalog": {"Name": given["Name"], "Type": "GLUE", "Parameters": parameters}}


def list_data_catalogs(given: Members, _: Service) -> Members:
    """ListDataCatalogs."""
    return _page(given, [{"CatalogName": "AwsDataCatalog", "Type": "GLUE"}], "DataCatalogsSummary")


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
    return _page(given, found, "DatabaseList")


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
    """ListTableMetadata; `Expression` is a regular expression over the names."""
    _check_catalog(given["CatalogName"])
    catalog = service.parts.catalog
    if catalog.find_database(given["DatabaseName"]) is None:
        raise metadata_not_found()
    wanted = given.get("Expression", ".*")
    try:
        named = [one for one in catalog.tables(given["DatabaseName"]) if re.fullmatch(wanted, one.name)]
    except re.error:
        raise InvalidRequestError(f"Malformed expression: {wanted}") from None
    return _page(given, [_table(table) for table in named], "TableMetadataList")


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


def create_prepared_statement(given: Members, service: Service) -> Members:
    """CreatePreparedStatement."""
    service.workgroups.prepare(given["WorkGroup"], _prepared(given), replace=False)
    return {}


def update_prepared_statement(given: Members, service: Service) -> Members:
    """UpdatePreparedStatement."""
    service.workgroups.prepared(given["WorkGroup"], given["StatementName"])
    service.workgroups.prepare(given["WorkGroup"], _prepared(given), replace=True)
    return {}


def _prepared(given: Members) -> PreparedStatement:
    return PreparedStatement(
        given["StatementName"], given["QueryStatement"], given.get("Description", ""), time.time()
    )


def get_prepared_statement(given: Members, service: Service) -> Members:
    """GetPreparedStatement."""
    found = service.workgroups.prepared(given["WorkGroup"], given["StatementName"])
    return {"PreparedStatement": _prepared_json(found, given["WorkGroup"])}


def batch_get_prepared_statement(given: Members, service: Service) -> Members:
    """BatchGetPreparedStatement."""
    found, unknown = [], []
    for name in given["PreparedStatementNames"]:
        try:
            statement = service.workgroups.prepared(given["WorkGroup"], name)
            found.append(_prepared_json(statement, given["WorkGroup"]))
        except ResourceNotFoundError as error:
            detail = {"ErrorCode": "STATEMENT_NOT_FOUND", "ErrorMessage": error.message}
            unknown.append({"StatementName": name, **detail})
    return {"PreparedStatements": found, "UnprocessedPreparedStatementNames": unknown}


def list_prepared_statements(given: Members, service: Service) -> Members:
    """ListPreparedStatements."""
    found = [
        {"StatementName": one.name, "LastModifiedTime": one.modified}
        for one in service.workgroups.all_prepared(given["WorkGroup"])
    ]
    return _page(given, found, "PreparedStatements")


def delete_prepared_statement(given: Members, service: Service) -> Members:
    """DeletePreparedStatement."""
    service.workgroups.deallocate(given["WorkGroup"], given["StatementName"])
    return {}


def _prepared_json(statement: PreparedStatement, group: str) -> dict[str, Any]:
    return {
        "StatementName": statement.name,
        "QueryStatement": statement.sql,
        "WorkGroupName": group,
        "Description": statement.description,
        "LastModifiedTime": statement.modified,
    }


def _operation_name(function: Callable[..., Any]) -> str:
    return "".join(word.capitalize() for word in function.__name__.split("_"))


OPERATIONS: dict[str, Callable[[Members, Service], Members]] = {
    _operation_name(function): function
    for function in (
        batch_get_prepared_statement,
        batch_get_query_execution,
        create_prepared_statement,
        create_work_group,
        delete_prepared_statement,
        delete_work_group,
        get_data_catalog,
        get_database,
        get_prepared_statement,
        get_query_execution,
        get_query_results,
        get_query_runtime_statistics,
        get_table_metadata,
        get_work_group,
        list_data_catalogs,
        list_databases,
        list_prepared_statements,
        list_query_executions,
        list_table_metadata,
        list_work_groups,
        start_query_execution,
        stop_query_execution,
        update_prepared_statement,
    )
}
