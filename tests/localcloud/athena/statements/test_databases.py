from collections.abc import Callable

import pytest

from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer

Run = Callable[[str], Answer]


def test_a_database_keeps_its_comment_location_and_properties(run: Run, catalog: Catalog, database: str):
    name = f"{database}_x"
    run(f"create schema `{name}` comment 'c' location 's3://lake/x' with dbproperties ('k' = 'v')")
    run(f"alter database {name} set dbproperties ('l' = 'w')")
    found = catalog.find_database(name)
    assert found is not None
    assert (found["Description"], found["LocationUri"]) == ("c", "s3://lake/x")
    assert found["Parameters"] == {"k": "v", "l": "w"}


def test_a_database_is_not_created_twice(run: Run, database: str):
    run("create database if not exists {db}")
    with pytest.raises(AthenaError) as caught:
        run("create database {db}")
    assert str(caught.value) == (
        "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
        f"Database {database} already exists"
    )


def test_a_missing_database_is_dropped_only_with_if_exists(run: Run):
    run("drop schema if exists nowhere cascade")
    with pytest.raises(AthenaError) as caught:
        run("drop database nowhere")
    assert str(caught.value) == "FAILED: SemanticException [Error 10072]: Database does not exist: nowhere"


def test_a_database_with_tables_is_dropped_only_with_cascade(run: Run, catalog: Catalog, database: str):
    run("create external table t (a int) location 's3://lake/t'")
    with pytest.raises(AthenaError, match=r"is not empty. One or more tables exist"):
        run("drop database {db}")
    run("drop database {db} cascade")
    assert catalog.find_database(database) is None
