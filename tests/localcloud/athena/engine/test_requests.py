"""The number of requests to S3 and Glue that a statement makes: each costs about a millisecond."""

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.athena.catalog import Catalog
from localcloud.athena.model import Answer

CREATE = "create table {} with (table_type='iceberg', is_external=false, location='LOCATION/{}') as "
COMMIT = ["GetTable", "PutObject metadata", "UpdateTable"]


@pytest.fixture
def asked(catalog: Catalog) -> list[str]:
    """Collect the requests from here on: the call and, for an object, its kind."""
    found: list[str] = []

    def note(model: Any, params: Any, **_: Any) -> None:
        kinds = {".parquet": "data", ".avro": "manifest", ".json": "metadata"}
        kind = next((kind for ending, kind in kinds.items() if params["url_path"].endswith(ending)), "")
        found.append(f"{model.name} {kind}".strip())

    for client in (catalog.glue, catalog.s3):
        client.meta.events.register_first("before-call", note, unique_id="asked")
    yield found
    for client in (catalog.glue, catalog.s3):
        client.meta.events.unregister("before-call", unique_id="asked")


@pytest.fixture
def tables(run: Callable[[str], Answer]) -> None:
    """Create a table and the rows to merge into it."""
    run(CREATE.format("t", "t") + "select * from (values (1, 'a'), (2, 'b')) as v(id, name)")
    run(CREATE.format("s", "s") + "select * from (values (2, 'c'), (3, 'd')) as v(id, name)")


def merge(where: str) -> str:
    update = "when matched then update set name = s.name"
    insert = "when not matched then insert (id, name) values (s.id, s.name)"
    return f"merge into t using (select * from s where {where}) as s on t.id = s.id {update} {insert}"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select count(*) from t join s on t.id = s.id", ["GetTable"] * 2),
        ('select (select count(*) from "t$snapshots"), (select max(id) from t), id from t', ["GetTable"]),
        (
            CREATE.format("n", "n") + "select * from t",
            [
                *("GetDatabase", "GetTable", "GetTable", "ListObjectsV2"),
                *("PutObject data", "PutObject manifest", "PutObject manifest"),
                *("GetTable", "PutObject metadata", "CreateTable"),
            ],
        ),
        (merge("false"), ["GetTable"] * 2),
        (
            merge("true"),
            # The manifest of added files, that of deleted files, and the manifest list.
            [*["GetTable"] * 2, "PutObject data", *["PutObject manifest"] * 3, *COMMIT],
        ),
        (
            "update t set name = 'x' where id = 1",
            ["GetTable", "PutObject data", *["PutObject manifest"] * 3, *COMMIT],
        ),
        (
            "insert into t values (4, 'e')",
            ["GetTable", "PutObject data", "GetTable", *["PutObject manifest"] * 2, *COMMIT],
        ),
    ],
)
@pytest.mark.usefixtures("tables")
def test_a_statement_makes_no_more_requests_than_it_needs(
    run: Callable[[str], Answer], asked: list[str], sql: str, expected: list[str]
) -> None:
    run(sql)
    assert asked == expected
