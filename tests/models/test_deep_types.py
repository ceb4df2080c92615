"""The types of a model are compared with its contract in depth, before a reader can see it."""

import pytest
from bronze_lake import Lake
from small_project import create, run, write

# Model -> column, its type in the contract, what the model selects, and the row of the refusal's table.
PLANTED = {
    "scale": (
        "amount", "decimal(10,2)", "cast(1.5 as decimal(38,9))",
        "| amount | decimal(10,2) | decimal(38,9) |",
    ),
    "items": (
        "items", "array<int>", "array['a']",
        "| items | array<int> | array<string> |",
    ),
    "fields": (
        "place", "struct<street:string,zip:int>", "cast(row('a', 1.5) as row(street varchar, zip double))",
        "| place | struct<street:string,zip:int> | struct<street:string,zip:double> |",
    ),
    "renamed_field": (
        "place", "struct<zip:int>", "cast(row(1) as row(code integer))",
        "| place | struct<zip:int> | struct<code:int> |",
    ),
}  # fmt: skip
# The same for a view, whose types come from a query.
OF_A_VIEW = {
    "scale": "| amount | decimal(10, 2) | decimal(38, 9) |",
    "items": "| items | array(integer) | array(varchar) |",
    "fields": "| place | row(street varchar, zip integer) | row(street varchar, zip double) |",
    "renamed_field": "| place | row(zip integer) | row(code integer) |",
}
GOOD = {
    "amount": ("decimal(10,2)", "cast(1.5 as decimal(10,2))"),
    "items": ("array<int>", "array[1]"),
    "place": ("struct<street:string,zip:int>", "cast(row('a', 1) as row(street varchar, zip integer))"),
    "short": ("varchar(5)", "cast('a' as varchar(5))"),
}


@pytest.fixture(scope="module")
def output(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run one good model and all planted ones in a project with these macros; return dbt's output."""
    project = tmp_path_factory.mktemp("project")
    create(project)
    write(project, "good", GOOD)
    write(project, "good_view", GOOD, materialized="view")
    for name, (column, kind, sql, _) in PLANTED.items():
        write(project, name, {column: (kind, sql)})
        write(project, f"{name}_view", {column: (kind, sql)}, materialized="view")
    write(project, "more_view", {"amount": ("int", "1")}, more=", 2 as shown", materialized="view")
    write(project, "broad_view", {"amount": ("int", "'a'")}, materialized="view")
    write(project, "more", {"amount": ("int", "1")}, more=", 2 as another")
    write(project, "missing", {"amount": ("int", "cast(null as integer)")})
    model = project / "models/missing.yml"
    model.write_text(
        model.read_text().replace(
            "constraints: []",
            "constraints: [{type: not_null, warn_unsupported: false, warn_unenforced: false}]",
        )
    )
    return run(project, lake, expect=1)


@pytest.mark.parametrize("name", PLANTED)
def test_a_type_that_differs_in_depth_is_refused_with_what_was_expected(output: str, name: str) -> None:
    assert PLANTED[name][3] in output


@pytest.mark.parametrize("name", OF_A_VIEW)
def test_a_type_of_a_view_that_differs_in_depth_is_refused(output: str, name: str) -> None:
    assert OF_A_VIEW[name] in output


def test_a_column_that_the_contract_lacks_is_refused(output: str) -> None:
    assert "| another | no such column | int |" in output
    assert "| shown | no such column | integer |" in output


def test_a_view_with_another_type_is_refused(output: str) -> None:
    assert "| amount | integer | varchar |" in output


def test_a_null_in_a_required_column_is_refused(output: str) -> None:
    assert "1 row where amount is null" in output


def test_only_the_models_that_keep_their_contract_are_published(lake: Lake, output: str) -> None:
    tables = lake.client("glue").get_tables(DatabaseName="silver")["TableList"]
    assert {table["Name"] for table in tables} == {"good", "good_view"}
    assert "ERROR=12 " in output
