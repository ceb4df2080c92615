"""A damaged JSON file is a usage error; exit code 1 would mean a finding."""

from collections.abc import Callable
from pathlib import Path

import pytest

from control import dbt_runs
from control.catalog import outbox
from control.catalog import project as catalog_project
from control.cost import budget
from control.doctor import manifest
from control.errors import UpstreamError, UsageError
from control.lineage import ask, golden, project
from control.model import Batch
from control.serialization import from_json
from control.site import results

READERS: dict[str, Callable[[Path], object]] = {
    "catalog artefacts": lambda folder: catalog_project.read(folder),
    "outbox": lambda folder: outbox.waiting(folder / "manifest.json"),
    "last costs": lambda folder: budget.last_build(folder / "manifest.json"),
    "run results": dbt_runs.results,
    "doctor": manifest.read,
    "lineage": lambda folder: ask.read(folder / "manifest.json"),
    "reviewed lineage": lambda folder: list(golden.hops(folder)),
    "lineage artefacts": project.read,
    "site": results.read,
}
DEEP = b"[" * 100_000


TEXTS = [b"", b"null", b'{"nodes', b'{"nodes": {"\xff": {}}}', b'{"x":' + DEEP]


@pytest.mark.parametrize("text", TEXTS, ids=["empty", "null", "cut", "bytes", "deep"])
@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_artefact_is_a_usage_error(tmp_path: Path, reader: str, text: bytes) -> None:
    for name in ("manifest.json", "catalog.json", "run_results.json"):
        (tmp_path / name).write_bytes(text)
    with pytest.raises(UsageError):
        READERS[reader](tmp_path)


@pytest.mark.parametrize("text", [b'{"batch_id": "\xff"}', b'{"x":' + DEEP], ids=["bytes", "deep"])
def test_the_error_for_a_damaged_document_names_its_uri(text: bytes) -> None:
    with pytest.raises(UpstreamError, match="s3://lake/paper"):
        from_json(Batch, text, "s3://lake/paper")
