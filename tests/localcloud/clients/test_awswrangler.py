"""awswrangler, in the separate environment that `make test-clients` creates, because it needs pandas."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from localcloud import launch

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-clients" / "bin" / "python"


@pytest.mark.skipif(not PYTHON.exists(), reason="needs awswrangler: make test-clients")
def test_awswrangler_writes_and_reads_hive_and_iceberg_tables(endpoint):
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name("drive_awswrangler.py")],
        env={"PATH": os.environ["PATH"], **launch.client_environment(endpoint, "us-east-1")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "columns": {"id": "bigint", "name": "string", "day": "date"},
        "direct": [2, 3],
        "by_ctas": [2, 3],
        "with_parameter": ["ü"],
        "merged": [[1, "a"], [2, None], [3, "changed"], [4, "new"]],
    }
