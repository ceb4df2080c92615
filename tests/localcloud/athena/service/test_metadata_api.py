import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import BytesLimitError
from localcloud.athena.model import Answer, Context
from localcloud.cloudformation.kinds import catalog as catalog_kinds

CATALOG = "AwsDataCatalog"


def error(call: Callable[[], Any]) -> Any:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]


def code(call: Callable[[], Any]) -> str:
    found: str = error(call)["Code"]
    return found


# Athena's wording, by which PyAthena distinguishes a missing object from a failed call.
ABSENT = re.compile(
    r"Entity Not Found \(Service: AmazonDataCatalog; Status Code: 400; "
    r"Error Code: EntityNotFoundException; Request ID: [0-9a-f-]+; Proxy: null\)"
)


@pytest.fixture
def tables(catalog: Catalog, database: str) -> str:
    for name in ("orders", "orders_old", "people"):
        columns = [{"Name": "id", "Type": "bigint", "Comment": "key"}, {"Name": "at", "Type": "timestamp"}]
        catalog.create_table(
            database,
            {
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "parquet"},
                "PartitionKeys": [{"Name": "p", "Type": "string"}],
                "StorageDescriptor": {"Columns": columns, "Location": f"s3://lake/{name}"},
            },
        )
    return database


def test_there_is_one_catalog(gateway: Any):
    (summary,) = gateway.athena.list_data_catalogs()["DataCatalogsSummary"]
    assert (summary["CatalogName"], summary["Type"]) == (CATALOG, "GLUE")
    found = gateway.athena.get_data_catalog(Name="awsdatacatalog")["DataCatalog"]
    assert found == {"Name": "awsdatacatalog", "Type": "GLUE", "Parameters": {"catalog-id": "123456789012"}}
    assert code(lambda: gateway.athena.get_data_catalog(Name="other")) == "InvalidRequestException"


def test_databases_come_from_glue(gateway: Any, database: str):
    found = gateway.athena.get_database(CatalogName=CATALOG, DatabaseName=database)["Database"]
    assert found["Name"] == database
    pages = gateway.athena.get_paginator("list_databases").paginate(CatalogName=CATALOG)
    assert database in [one["Name"] for page in pages for one in page["DatabaseList"]]
    missing = {"CatalogName": CATALOG, "DatabaseName": "nowhere"}
    found = error(lambda: gateway.athena.get_database(**missing))
    assert found["Code"] == "MetadataException"
    assert ABSENT.fullmatch(found["Message"])


def test_a_table_is_described_with_its_keys(gateway: Any, tables: str):
    given = {"CatalogName": CATALOG, "DatabaseName": tables}
    found = gateway.athena.get_table_metadata(**given, TableName="orders")["TableMetadata"]
    assert found["Columns"] == [
        {"Name": "id", "Type": "bigint", "Comment": "key"},
        {"Name": "at", "Type": "timestamp"},
    ]
    assert found["PartitionKeys"] == [{"Name": "p", "Type": "string"}]
    assert found["Parameters"]["location"] == "s3://lake/orders"
    refused = error(lambda: gateway.athena.get_table_metadata(**given, TableName="x"))
    assert refused["Code"] == "MetadataException"
    assert ABSENT.fullmatch(refused["Message"])


def test_tables_are_listed_in_pages_and_by_expression(gateway: Any, tables: str):
    given = {"CatalogName": CATALOG, "DatabaseName": tables}
    pages = gateway.athena.get_paginator("list_table_metadata").paginate(
        **given, PaginationConfig={"PageSize": 2}
    )
    assert [[one["Name"] for one in page["TableMetadataList"]] for page in pages] == [
        ["orders", "orders_old"],
        ["people"],
    ]
    found = gateway.athena.list_table_metadata(**given, Expression="orders.*")["TableMetadataList"]
    assert [one["Name"] for one in found] == ["orders", "orders_old"]
    assert (
        code(lambda: gateway.athena.list_table_metadata(**given, Expression="(")) == "InvalidRequestException"
    )
    missing = {"CatalogName": CATALOG, "DatabaseName": "nowhere"}
    refused = error(lambda: gateway.athena.list_table_metadata(**missing))
    assert refused["Code"] == "MetadataException"
    assert ABSENT.fullmatch(refused["Message"])


def test_the_primary_workgroup_exists_from_the_start(gateway: Any):
    found = gateway.athena.get_work_group(WorkGroup="primary")["WorkGroup"]
    assert (found["Name"], found["State"]) == ("primary", "ENABLED")
    assert found["Configuration"]["ResultConfiguration"] == {}
    assert found["Configuration"]["EnforceWorkGroupConfiguration"] is False
    assert [one["Name"] for one in gateway.athena.list_work_groups()["WorkGroups"]] == ["primary"]


def test_an_unknown_workgroup_is_refused_wherever_it_is_named(gateway: Any):
    for call in (
        lambda: gateway.athena.get_work_group(WorkGroup="x"),
        lambda: gateway.start("select 1", WorkGroup="x"),
        lambda: gateway.athena.delete_work_group(WorkGroup="x"),
    ):
        with pytest.raises(ClientError, match=r"WorkGroup is not found\."):
            call()


def test_an_enforcing_workgroup_decides_where_results_go(gateway: Any):
    there = {"ResultConfiguration": {"OutputLocation": "s3://lake/team/"}}
    gateway.athena.create_work_group(Name="team", Configuration=there, Description="ours")
    assert gateway.athena.get_work_group(WorkGroup="team")["WorkGroup"]["Description"] == "ours"
    found = gateway.run("select 1", WorkGroup="team")
    assert found["ResultConfiguration"]["OutputLocation"].startswith("s3://lake/team/")
    assert gateway.athena.list_query_executions(WorkGroup="team")["QueryExecutionIds"] == [
        found["QueryExecutionId"]
    ]
    assert gateway.athena.list_query_executions()["QueryExecutionIds"] == []
    gateway.athena.delete_work_group(WorkGroup="team")
    assert len(gateway.athena.list_work_groups()["WorkGroups"]) == 1


def test_an_update_of_a_workgroup_changes_only_what_it_names(gateway: Any):
    there = {"ResultConfiguration": {"OutputLocation": "s3://lake/team/"}}
    gateway.athena.create_work_group(Name="team", Configuration=there, Description="ours")

    def changed(**updates: Any) -> tuple[Any, ...]:
        gateway.athena.update_work_group(WorkGroup="team", **updates)
        found = gateway.athena.get_work_group(WorkGroup="team")["WorkGroup"]
        configuration = found["Configuration"]
        enforced = configuration["EnforceWorkGroupConfiguration"]
        return configuration["ResultConfiguration"], enforced, found["Description"]

    looser = {"EnforceWorkGroupConfiguration": False}
    elsewhere = {"ResultConfigurationUpdates": {"OutputLocation": "s3://lake/b/"}}
    nowhere = {"ResultConfigurationUpdates": {"RemoveOutputLocation": True}}
    assert changed(Description="theirs") == ({"OutputLocation": "s3://lake/team/"}, True, "theirs")
    assert changed(ConfigurationUpdates=looser) == ({"OutputLocation": "s3://lake/team/"}, False, "theirs")
    assert changed(ConfigurationUpdates=elsewhere) == ({"OutputLocation": "s3://lake/b/"}, False, "theirs")
    assert changed(ConfigurationUpdates=nowhere) == ({}, False, "theirs")
    gateway.athena.delete_work_group(WorkGroup="team")


def test_a_workgroup_cancels_queries_over_its_limit_of_bytes(gateway: Any, monkeypatch: pytest.MonkeyPatch):
    def select(_: Any, context: Context) -> Answer:
        if 0 < context.most_bytes < 20_000_000:
            raise BytesLimitError
        return Answer("DML", "SELECT")

    monkeypatch.setattr(gateway.engine, "select", select)
    limit = {"BytesScannedCutoffPerQuery": 10_000_000}
    there = {"ResultConfiguration": {"OutputLocation": "s3://lake/team/"}, **limit}
    gateway.athena.create_work_group(Name="team", Configuration=there)

    def kept() -> int:
        found = gateway.athena.get_work_group(WorkGroup="team")["WorkGroup"]["Configuration"]
        return int(found.get("BytesScannedCutoffPerQuery", 0))

    assert kept() == 10_000_000
    status = gateway.run("select 1", WorkGroup="team")["Status"]
    assert (status["State"], status["StateChangeReason"]) == (
        "CANCELLED",
        "Bytes scanned limit was exceeded",
    )
    for changes, now in (
        ({"BytesScannedCutoffPerQuery": 20_000_000}, 20_000_000),
        ({"EnforceWorkGroupConfiguration": False}, 20_000_000),
        ({"RemoveBytesScannedCutoffPerQuery": True}, 0),
    ):
        gateway.athena.update_work_group(WorkGroup="team", ConfigurationUpdates=changes)
        assert kept() == now
        assert gateway.run("select 1", WorkGroup="team")["Status"]["State"] == "SUCCEEDED"


def test_a_disabled_workgroup_starts_nothing(gateway: Any):
    gateway.athena.create_work_group(Name="team")
    gateway.athena.update_work_group(WorkGroup="team", State="DISABLED")
    assert gateway.athena.get_work_group(WorkGroup="team")["WorkGroup"]["State"] == "DISABLED"
    with pytest.raises(gateway.athena.exceptions.InvalidRequestException, match="is disabled"):
        gateway.start("select 1", WorkGroup="team")
    gateway.athena.update_work_group(WorkGroup="team", State="ENABLED", Description="again")
    assert gateway.run("select 1", WorkGroup="team")["Status"]["State"] == "SUCCEEDED"


def test_a_workgroup_with_statements_is_deleted_only_with_them(gateway: Any):
    gateway.athena.create_work_group(Name="team")
    saved = {"Name": "top", "Database": "d", "QueryString": "select 1", "WorkGroup": "team"}
    query = gateway.athena.create_named_query(**saved)["NamedQueryId"]
    with pytest.raises(gateway.athena.exceptions.InvalidRequestException, match="not empty"):
        gateway.athena.delete_work_group(WorkGroup="team")
    assert gateway.athena.get_named_query(NamedQueryId=query)["NamedQuery"]["Name"] == "top"
    gateway.athena.delete_work_group(WorkGroup="team", RecursiveDeleteOption=True)
    assert len(gateway.athena.list_work_groups()["WorkGroups"]) == 1


def test_a_stack_update_of_a_workgroup_keeps_its_queries(gateway: Any):
    kind = catalog_kinds.KINDS["AWS::Athena::WorkGroup"]
    clients: Any = lambda _: gateway.athena  # noqa: E731  as CloudFormation's parts ask for one
    there = {"OutputLocation": "s3://lake/team/"}
    limited = {"BytesScannedCutoffPerQuery": 10_000_000, "ResultConfiguration": there}
    name = kind.create(clients, {"Name": "team", "WorkGroupConfiguration": limited}).physical
    saved = {"Name": "top", "Database": "d", "QueryString": "select 1", "WorkGroup": "team"}
    query = gateway.athena.create_named_query(**saved)["NamedQueryId"]
    looser = {"EnforceWorkGroupConfiguration": False}
    kind.update(clients, name, {"Name": "team", "Description": "ours", "WorkGroupConfiguration": looser})
    found = gateway.athena.get_work_group(WorkGroup="team")["WorkGroup"]
    assert found["Description"] == "ours"
    assert found["Configuration"]["ResultConfiguration"] == {}
    assert found["Configuration"]["EnforceWorkGroupConfiguration"] is False
    assert "BytesScannedCutoffPerQuery" not in found["Configuration"]
    assert gateway.athena.get_named_query(NamedQueryId=query)["NamedQuery"]["Name"] == "top"
    kind.delete(clients, name)
    assert len(gateway.athena.list_work_groups()["WorkGroups"]) == 1


def test_there_is_one_engine_version(gateway: Any):
    found = gateway.athena.list_engine_versions()["EngineVersions"]
    assert {one["EffectiveEngineVersion"] for one in found} == {"Athena engine version 3"}
    assert [one["SelectedEngineVersion"] for one in found] == ["AUTO", "Athena engine version 3"]


def test_named_queries_are_stored_updated_and_deleted(gateway: Any):
    athena, token = gateway.athena, {"ClientRequestToken": "t" * 32}
    query = {"Name": "counted", "Database": "d", "QueryString": "select count(*) from t", "Description": "x"}
    first = athena.create_named_query(**query, **token)["NamedQueryId"]
    assert athena.create_named_query(**query, **token)["NamedQueryId"] == first, "a repeated call is a no-op"
    second = athena.create_named_query(Name="counted", Database="d", QueryString="select 2")["NamedQueryId"]
    given = {"NamedQueryId": first}
    assert athena.get_named_query(**given)["NamedQuery"] == {**query, **given, "WorkGroup": "primary"}
    assert athena.list_named_queries()["NamedQueryIds"] == [first, second]
    athena.update_named_query(**given, Name="changed", QueryString="select 1")
    many = athena.batch_get_named_query(NamedQueryIds=[first, "gone"])
    assert [(one["Name"], one["Database"]) for one in many["NamedQueries"]] == [("changed", "d")]
    assert [one["NamedQueryId"] for one in many["UnprocessedNamedQueryIds"]] == ["gone"]
    for query_id in (first, second):
        athena.delete_named_query(NamedQueryId=query_id)
    assert athena.list_named_queries()["NamedQueryIds"] == []
    assert code(lambda: athena.get_named_query(**given)) == "InvalidRequestException"
    assert code(lambda: athena.list_named_queries(WorkGroup="x")) == "InvalidRequestException"


def test_the_primary_workgroup_cannot_be_deleted(gateway: Any):
    assert code(lambda: gateway.athena.delete_work_group(WorkGroup="primary")) == "InvalidRequestException"


def test_prepared_statements_are_stored_updated_and_deleted(gateway: Any):
    athena, group = gateway.athena, {"WorkGroup": "primary"}
    athena.create_prepared_statement(StatementName="p", QueryStatement="select ?", **group)
    assert code(
        lambda: athena.create_prepared_statement(StatementName="p", QueryStatement="select 1", **group)
    ) == ("InvalidRequestException")
    athena.update_prepared_statement(StatementName="p", QueryStatement="select ? + ?", **group)
    found = athena.get_prepared_statement(StatementName="p", **group)["PreparedStatement"]
    assert found["QueryStatement"] == "select ? + ?"
    assert [
        one["StatementName"] for one in athena.list_prepared_statements(**group)["PreparedStatements"]
    ] == ["p"]
    many = athena.batch_get_prepared_statement(PreparedStatementNames=["p", "q"], **group)
    assert [one["StatementName"] for one in many["PreparedStatements"]] == ["p"]
    assert [one["StatementName"] for one in many["UnprocessedPreparedStatementNames"]] == ["q"]
    athena.delete_prepared_statement(StatementName="p", **group)
    assert (
        code(lambda: athena.get_prepared_statement(StatementName="p", **group)) == "ResourceNotFoundException"
    )


def test_a_prepared_statement_runs_with_its_values(gateway: Any):
    gateway.run("prepare p from select ? as a, ? as b")
    found = gateway.run("execute p using 1 + 1, 'x, y'")
    assert gateway.rows(found["QueryExecutionId"])[1] == ["2", "x, y"]
    by_members = gateway.run("execute p", ExecutionParameters=["3", "'z'"])
    assert gateway.rows(by_members["QueryExecutionId"])[1] == ["3", "z"]
    gateway.run("deallocate prepare p")
    again = gateway.run("deallocate prepare p")["Status"]["StateChangeReason"]
    assert again == "NOT_FOUND: PreparedStatement p was not found in workGroup primary"
    assert code(lambda: gateway.start("execute p using 1, 2")) == "ResourceNotFoundException"
