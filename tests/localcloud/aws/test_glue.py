import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

_numbers = itertools.count()


@pytest.fixture(scope="session")
def glue(client):
    return client("glue")


@pytest.fixture
def database(glue):
    name = f"d{next(_numbers)}"
    glue.create_database(DatabaseInput={"Name": name})
    return name


def table_input(name, **parameters):
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://lake/t"},
        "PartitionKeys": [
            {"Name": "ingest_date", "Type": "string"},
            {"Name": "batch", "Type": "bigint"},
            {"Name": "price", "Type": "decimal(10,2)"},
            {"Name": "kind", "Type": "varchar(3)"},
            {"Name": "open", "Type": "boolean"},
        ],
    }


def code(error):
    return error.value.response["Error"]["Code"]


def test_a_commit_on_a_stale_version_is_refused(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    seen = glue.get_table(DatabaseName=database, Name="t")["Table"]["VersionId"]
    glue.update_table(DatabaseName=database, TableInput=table_input("t", n="1"), VersionId=seen)
    with pytest.raises(ClientError) as error:
        glue.update_table(DatabaseName=database, TableInput=table_input("t", n="2"), VersionId=seen)
    assert code(error) == "ConcurrentModificationException"
    assert glue.get_table(DatabaseName=database, Name="t")["Table"]["Parameters"] == {"n": "1"}


def test_no_acknowledged_commit_is_lost(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t", n="0"))

    def add_one(_):
        while True:
            table = glue.get_table(DatabaseName=database, Name="t")["Table"]
            following = table_input("t", n=str(int(table["Parameters"]["n"]) + 1))
            try:
                return glue.update_table(
                    DatabaseName=database,
                    TableInput=following,
                    VersionId=table["VersionId"],
                    SkipArchive=True,
                )
            except glue.exceptions.ConcurrentModificationException:
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(40)))
    assert glue.get_table(DatabaseName=database, Name="t")["Table"]["Parameters"]["n"] == "40"


def test_an_update_with_skip_archive_keeps_no_old_version(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    glue.update_table(DatabaseName=database, TableInput=table_input("t"))
    glue.update_table(DatabaseName=database, TableInput=table_input("t"), SkipArchive=True)
    versions = glue.get_table_versions(DatabaseName=database, TableName="t")["TableVersions"]
    assert sorted(version["VersionId"] for version in versions) == ["1", "3"]


def test_names_are_kept_in_lower_case(glue, database):
    glue.create_table(DatabaseName=database.upper(), TableInput=table_input("MiXed"))
    assert [t["Name"] for t in glue.get_tables(DatabaseName=database)["TableList"]] == ["mixed"]
    assert glue.get_table(DatabaseName=database, Name="MIXED")["Table"]["Name"] == "mixed"
    glue.delete_table(DatabaseName=database, Name="Mixed")
    assert glue.get_tables(DatabaseName=database)["TableList"] == []


@pytest.fixture
def partitioned(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    rows = [
        ["2024-01-01", "1", "1.50", "abc", "true"],
        ["2024-01-02", "2", "10.00", "abd", "false"],
        ["2024-02-01", "10", "9.99", "xyz", "true"],
    ]
    partitions = [{"Values": row, "StorageDescriptor": {"Location": f"s3://lake/t/{row[1]}"}} for row in rows]
    glue.batch_create_partition(DatabaseName=database, TableName="t", PartitionInputList=partitions)
    return database


@pytest.mark.parametrize(
    ("expression", "batches"),
    [
        ("", [1, 2, 10]),
        ("batch > 2", [10]),
        ("batch >= 2 and ingest_date < '2024-02-01'", [2]),
        ("(ingest_date = '2024-01-01') or (batch = 10)", [1, 10]),
        ("ingest_date in ('2024-01-02', '2024-02-01')", [2, 10]),
        ("batch not in (1, 2)", [10]),
        ("batch between 1 and 2", [1, 2]),
        ("ingest_date like '2024-01-%'", [1, 2]),
        ("ingest_date <> '2024-01-01'", [2, 10]),
        ("price > 9.5", [2, 10]),
        ("kind like 'ab%'", [1, 2]),
        ("open = 'TRUE'", [1, 10]),
        ("batch = 3", []),
    ],
)
def test_an_expression_prunes_partitions(glue, partitioned, expression, batches):
    found = glue.get_partitions(DatabaseName=partitioned, TableName="t", Expression=expression)["Partitions"]
    assert sorted(int(partition["Values"][1]) for partition in found) == batches


def test_an_expression_on_no_partition_key_is_refused(glue, partitioned):
    with pytest.raises(ClientError) as error:
        glue.get_partitions(DatabaseName=partitioned, TableName="t", Expression="a = 1")
    assert code(error) == "InvalidInputException"


def test_all_segments_together_list_each_partition_once(glue, partitioned):
    found = [
        partition["Values"][1]
        for number in range(3)
        for partition in glue.get_partitions(
            DatabaseName=partitioned,
            TableName="t",
            Segment={"SegmentNumber": number, "TotalSegments": 3},
        )["Partitions"]
    ]
    assert sorted(found) == ["1", "10", "2"]


@pytest.mark.parametrize("values", [None, ["2024-01-01", "1", "1.50", "abc", "true"]])
def test_column_statistics_are_kept_until_deleted(glue, partitioned, values):
    statistics = {
        "ColumnName": "a",
        "ColumnType": "int",
        "AnalyzedTime": 0,
        "StatisticsData": {
            "Type": "LONG",
            "LongColumnStatisticsData": {"NumberOfNulls": 1, "NumberOfDistinctValues": 7},
        },
    }
    kind = "partition" if values else "table"
    where = {"DatabaseName": partitioned, "TableName": "t"} | ({"PartitionValues": values} if values else {})
    getattr(glue, f"update_column_statistics_for_{kind}")(**where, ColumnStatisticsList=[statistics])
    read = getattr(glue, f"get_column_statistics_for_{kind}")
    (found,) = read(**where, ColumnNames=["a", "b"])["ColumnStatisticsList"]
    assert found["StatisticsData"] == statistics["StatisticsData"]
    getattr(glue, f"delete_column_statistics_for_{kind}")(**where, ColumnName="a")
    assert read(**where, ColumnNames=["a"])["ColumnStatisticsList"] == []


def test_a_resource_without_tags_has_none(client, glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    lake = client("lakeformation")
    for resource in (
        {"Database": {"Name": database}},
        {"Table": {"DatabaseName": database, "Name": "t"}},
        {"TableWithColumns": {"DatabaseName": database, "Name": "t", "ColumnNames": ["a"]}},
    ):
        answer = lake.get_resource_lf_tags(Resource=resource)
        assert not answer.get("LFTagOnDatabase")
        assert not answer.get("LFTagsOnTable")
