"""The operations of the Athena API on workgroups and on the statements stored in them."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from localcloud.athena.errors import InvalidRequestError, ResourceNotFoundError
from localcloud.athena.paging import page
from localcloud.athena.service import Service
from localcloud.athena.workgroups import ENGINE_VERSION, PRIMARY, NamedQuery, PreparedStatement

Members = Mapping[str, Any]


def get_work_group(given: Members, service: Service) -> Members:
    """GetWorkGroup."""
    return {"WorkGroup": service.workgroups.get(given["WorkGroup"]).as_json()}


def list_work_groups(given: Members, service: Service) -> Members:
    """ListWorkGroups."""
    return page(given, [group.as_summary() for group in service.workgroups.all()], "WorkGroups")


def create_work_group(given: Members, service: Service) -> Members:
    """CreateWorkGroup."""
    service.workgroups.create(given["Name"], given.get("Configuration", {}), given.get("Description", ""))
    return {}


def delete_work_group(given: Members, service: Service) -> Members:
    """DeleteWorkGroup."""
    service.workgroups.delete(given["WorkGroup"], recursive=bool(given.get("RecursiveDeleteOption")))
    return {}


def update_work_group(given: Members, service: Service) -> Members:
    """UpdateWorkGroup."""
    changes = given.get("ConfigurationUpdates", {})
    service.workgroups.update(given["WorkGroup"], changes, given.get("Description"), given.get("State"))
    return {}


def list_engine_versions(given: Members, _: Service) -> Members:
    """ListEngineVersions: there is only one, listed as a choice and as what AUTO selects."""
    chosen = {**ENGINE_VERSION, "SelectedEngineVersion": ENGINE_VERSION["EffectiveEngineVersion"]}
    return page(given, [ENGINE_VERSION, chosen], "EngineVersions")


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
    return page(given, found, "PreparedStatements")


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


def create_named_query(given: Members, service: Service) -> Members:
    """CreateNamedQuery. A repeated token returns the id of the first call."""
    token = given.get("ClientRequestToken")
    if not token:
        raise InvalidRequestError("clientRequestToken is null or empty")
    group = given.get("WorkGroup", PRIMARY)
    query = _named(given, str(uuid5(NAMESPACE_OID, f"{group} {token}")), given["Database"])
    service.workgroups.save(group, query)
    return {"NamedQueryId": query.id}


def update_named_query(given: Members, service: Service) -> Members:
    """UpdateNamedQuery."""
    group, old = service.workgroups.saved(given["NamedQueryId"])
    service.workgroups.save(group, _named(given, old.id, old.database))
    return {}


def _named(given: Members, query_id: str, database: str) -> NamedQuery:
    return NamedQuery(query_id, given["Name"], database, given["QueryString"], given.get("Description", ""))


def get_named_query(given: Members, service: Service) -> Members:
    """GetNamedQuery."""
    return {"NamedQuery": _named_json(given["NamedQueryId"], service)}


def batch_get_named_query(given: Members, service: Service) -> Members:
    """BatchGetNamedQuery."""
    found, unknown = [], []
    for query_id in given["NamedQueryIds"]:
        try:
            found.append(_named_json(query_id, service))
        except InvalidRequestError as error:
            detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
            unknown.append({"NamedQueryId": query_id, **detail})
    return {"NamedQueries": found, "UnprocessedNamedQueryIds": unknown}


def list_named_queries(given: Members, service: Service) -> Members:
    """ListNamedQueries."""
    ids = [query.id for query in service.workgroups.all_saved(given.get("WorkGroup", PRIMARY))]
    return page(given, ids, "NamedQueryIds")


def delete_named_query(given: Members, service: Service) -> Members:
    """DeleteNamedQuery."""
    service.workgroups.forget(given["NamedQueryId"])
    return {}


def _named_json(query_id: str, service: Service) -> dict[str, Any]:
    group, query = service.workgroups.saved(query_id)
    found = {
        "NamedQueryId": query.id,
        "Name": query.name,
        "Database": query.database,
        "QueryString": query.sql,
        "WorkGroup": group,
    }
    return {**found, "Description": query.description} if query.description else found
