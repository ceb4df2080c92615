"""Compare a lakehouse with the oracle, which computes its expected tables from the raw files alone."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from lakehouse import TOKEN_KEY, Lakehouse


def load_oracle() -> ModuleType:
    """Load the oracle by its path: it belongs to no package."""
    path = Path(__file__).resolve().parents[1] / "oracle" / "oracle.py"
    spec = importlib.util.spec_from_file_location("oracle_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["oracle_script"] = module
    spec.loader.exec_module(module)
    return module


def assert_equals_the_oracle(lakehouse: Lakehouse, oracle: ModuleType, token_key: str = TOKEN_KEY) -> None:
    answer = oracle.compute(lakehouse.download_raw(), token_key=token_key.encode())
    files = {f["key"]: f for f in lakehouse.dm("files", "list")}
    assert len(answer.files) == len(files)
    for file in answer.files:
        ours = files[file.path]
        assert ours["state"] == "published"
        ours_counts = {kind: ours[kind] for kind in ("records", "rows", "quarantined", "control")}
        assert ours_counts == {kind: getattr(file, kind) for kind in ours_counts}, file.path
        assert ours["records"] == ours["rows"] + ours["quarantined"] + ours["control"]
    differences = oracle.differences(answer, lakehouse.table)
    assert differences == {}
