"""Partial parsing forgets a renamed exposure, even when the model it reads changed at the same time."""

import subprocess
import sys
from pathlib import Path

import yaml
from bronze_lake import ROOT, clean_environment
from small_project import create, write


def exposed(folder: Path, *names: str) -> list[str]:
    """Let exposures of these names read the model `m`, whose source is described by them; list them."""
    write(folder, "m", {"n": ("bigint", "n")}, more=" from {{ source('bronze', 's') }}")
    tables = [{"name": "s", "description": f"For {', '.join(names)}."}]
    sources = {"version": 2, "sources": [{"name": "bronze", "tables": tables}]}
    (folder / "models/sources.yml").write_text(yaml.safe_dump(sources))
    exposures = [
        {"name": name, "type": "analysis", "owner": {"name": "ann"}, "depends_on": ["ref('m')"]}
        for name in names
    ]
    (folder / "models/exposures.yml").write_text(yaml.safe_dump({"version": 2, "exposures": exposures}))
    dbt = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", "--quiet"]
    command = ["ls", "--resource-type", "exposure", "--profiles-dir", str(ROOT / "profiles")]
    env = clean_environment() | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = subprocess.run([*dbt, *command], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


def test_a_renamed_exposure_is_gone_and_its_name_is_free(tmp_path: Path) -> None:
    create(tmp_path)
    assert exposed(tmp_path, "to_be_named") == ["exposure:lakehouse.to_be_named"]
    assert exposed(tmp_path, "desk") == ["exposure:lakehouse.desk"]
    assert sorted(exposed(tmp_path, "desk", "to_be_named")) == [
        "exposure:lakehouse.desk",
        "exposure:lakehouse.to_be_named",
    ]
