"""A statement that got past the translation could still reach no file, no setting and no extension."""

from pathlib import Path

import duckdb
import pytest

from localcloud.athena.engines.database import open_database


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{outside}')",
        "SELECT * FROM read_text('{inside}/../secret')",
        "SELECT * FROM glob('{outside}*')",
        "COPY (SELECT 1) TO '{outside}'",
        "ATTACH '{outside}.db'",
        "EXPORT DATABASE '{outside}.folder'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET lock_configuration = false",
    ],
)
def test_the_database_reaches_its_own_folder_only(tmp_path: Path, sql: str) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "it's here"
    secret.write_text("kept")
    folder.mkdir()
    with open_database(folder) as database:
        with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)):
            database.cursor().execute(sql.format(outside=secret, inside=str(folder).replace("'", "''")))
        file = str(folder / "own.parquet").replace("'", "''")
        database.execute(f"COPY (SELECT 7 AS n) TO '{file}'")
        assert database.execute(f"SELECT n FROM '{file}'").fetchall() == [(7,)]
    assert secret.read_text() == "kept"
