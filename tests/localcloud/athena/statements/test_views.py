from collections.abc import Callable

import pytest

from localcloud.athena import presto_views
from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer, Column
from localcloud.athena.statements import views

Run = Callable[[str], Answer]


def test_a_view_is_in_glue_as_presto_describes_it(run: Run, catalog: Catalog, database: str):
    run('create or replace view "awsdatacatalog"."{db}"."v" as\n    select 1 as N, \'é\' as s')
    found = catalog.table(database, "v")
    assert found.is_view
    assert found.parameters == {"presto_view": "true", "comment": "Presto View"}
    assert [(column.name, column.type) for column in found.columns] == [("n", "int"), ("s", "string")]
    assert presto_views.decode(found) == {
        "originalSql": "select 1 as N, 'é' as s",
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": "n", "type": "integer"}, {"name": "s", "type": "varchar"}],
        "runAsInvoker": True,
    }


def test_a_view_is_replaced_only_with_or_replace(run: Run, catalog: Catalog, database: str):
    run("create view v as select 1 as n")
    with pytest.raises(AthenaError, match="View already exists") as caught:
        run("create view v as select 2 as n")
    assert caught.value.code == "TABLE_ALREADY_EXISTS"
    run("create or replace view v as select 'a' as m")
    assert views.columns(catalog.table(database, "v")) == (Column("m", "varchar"),)


def test_a_view_never_replaces_a_table(run: Run):
    run("create external table t (a int) location 's3://lake/t'")
    with pytest.raises(AthenaError, match="Table already exists"):
        run("create or replace view t as select 1 as n")


@pytest.mark.parametrize(
    ("query", "code"),
    [("select 1", "MISSING_COLUMN_NAME"), ("select 1 as a, 2 as A", "DUPLICATE_COLUMN_NAME")],
)
def test_the_columns_of_a_view_need_distinct_names(run: Run, query: str, code: str):
    with pytest.raises(AthenaError) as caught:
        run(f"create view v as {query}")
    assert caught.value.code == code


def test_a_view_needs_a_database_that_exists(run: Run):
    with pytest.raises(AthenaError, match="Schema 'nowhere' does not exist"):
        run("create view nowhere.v as select 1 as n")


def test_views_and_tables_are_dropped_by_their_own_statements(run: Run, catalog: Catalog, database: str):
    run("create view v as select 1 as n")
    run("create external table t (a int) location 's3://lake/t'")
    with pytest.raises(AthenaError, match="Cannot drop a view with DROP TABLE"):
        run("drop table v")
    with pytest.raises(AthenaError, match="Cannot drop a base table with DROP VIEW"):
        run("drop view t")
    run('drop view "{db}"."v"')
    assert catalog.find_table(database, "v") is None
    run("drop view if exists v")
    with pytest.raises(AthenaError, match="Table not found"):
        run("drop view v")


# The base64 of "hi", {} and 1.
BODIES = ("not-base64", "aGk=", "e30=", "MQ==")
NOT_OURS = ("select 1", "", *(f"/* Presto View: {body} */" for body in BODIES))


@pytest.mark.parametrize("text", NOT_OURS)
@pytest.mark.parametrize("statement", ["show create view v", "describe v"])
def test_a_view_that_athena_did_not_create_is_refused_by_name(
    run: Run, catalog: Catalog, database: str, statement: str, text: str
):
    given = {"Name": "v", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": text}
    catalog.create_table(database, given)
    with pytest.raises(AthenaError, match=rf"'{database}\.v' was not created by Athena") as caught:
        run(statement)
    assert caught.value.code == "INVALID_VIEW"
