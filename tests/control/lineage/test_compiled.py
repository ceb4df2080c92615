"""How `--compile` calls dbt and interprets its output."""

from pathlib import Path

import pytest

from control.errors import UpstreamError, UsageError
from control.lineage import compiled


def dbt(folder: Path, code: int = 0) -> Path:
    """Create a dbt that records its arguments, prints an error and exits with `code`."""
    program = folder / "dbt"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\necho "no such table"\nexit {code}\n')
    program.chmod(0o755)
    return program


def test_dbt_writes_catalog_and_first_build_sql_next_to_the_builds_artefacts(
    tmp_path: Path,
) -> None:
    compiled.write(tmp_path / "docs", dbt=dbt(tmp_path), profiles=tmp_path)
    docs, compile_ = (tmp_path / "calls").read_text().splitlines()
    assert "docs generate --static" in docs
    assert "compile --full-refresh" in compile_
    assert all(f"--target-path {tmp_path / 'docs'}" in call for call in (docs, compile_))


def test_the_parse_cache_of_the_last_build_is_used(tmp_path: Path) -> None:
    parsed = tmp_path / "partial_parse.msgpack"
    compiled.write(tmp_path / "docs", dbt=dbt(tmp_path), profiles=tmp_path)
    assert str(parsed) not in (tmp_path / "calls").read_text()
    parsed.touch()
    compiled.write(tmp_path / "docs", dbt=dbt(tmp_path), profiles=tmp_path)
    assert (tmp_path / "calls").read_text().count(f"--partial-parse-file-path {parsed}") == 2


@pytest.mark.parametrize(("code", "error"), [(1, UpstreamError), (2, UsageError)])
def test_the_error_of_dbt_is_passed_on(tmp_path: Path, code: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="dbt docs generate --static failed: no such table"):
        compiled.write(tmp_path / "docs", dbt=dbt(tmp_path, code), profiles=tmp_path)
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


def test_a_missing_dbt_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere does not exist"):
        compiled.write(tmp_path, dbt=tmp_path / "nowhere", profiles=tmp_path)
