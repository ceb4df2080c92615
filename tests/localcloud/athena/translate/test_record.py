"""The tool that records probes."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from localcloud.athena.engines.trino.client import Client, Result, StatementError
from localcloud.trino import install


@pytest.fixture(scope="module")
def record() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record", Path(__file__).parent / "record.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["record"] = module
    spec.loader.exec_module(module)
    return module


class _Trino(Client):
    def run(self, sql: str, **_: Any) -> Result:
        if "nope" in sql:
            raise StatementError("COLUMN_NOT_FOUND", "line 1:8: nope")
        return Result("q", [{"name": "a", "type": "double"}], pages=[[[1.5]], [[2.5]]])


def test_only_probes_without_an_answer_are_asked_for(record: ModuleType, tmp_path: Path) -> None:
    topic = tmp_path / "topic.jsonl"
    old = {"sql": "select 1", "types": ["integer"], "rows": [[1]]}
    topic.write_text("\n".join(map(json.dumps, [old, {"sql": "select 'ä'"}, {"sql": "select nope"}])))
    assert record.record(_Trino("http://127.0.0.1:1"), topic, again=False) == 2
    assert list(map(json.loads, topic.read_text().splitlines())) == [
        old,
        {"sql": "select 'ä'", "types": ["double"], "rows": [[1.5], [2.5]]},
        {"sql": "select nope", "error": "COLUMN_NOT_FOUND"},
    ]
    assert record.record(_Trino("http://127.0.0.1:1"), topic, again=True) == 3


def test_the_probes_were_recorded_from_the_trino_that_make_trino_fetches(record: ModuleType) -> None:
    assert json.loads(record.STAMP.read_text()) == {"trino": install.VERSION}
