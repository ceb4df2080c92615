"""When a hook of on-run-start fails, dbt says why, and a lease that was taken is given back."""

from pathlib import Path

import pytest
import yaml
from bronze_lake import Lake, clean_environment, dbt
from histories import brewery, record
from small_project import create, run, write

# Run with exposures, because `dbt build` has them among its nodes.
BUILD = ("build", "--exclude-resource-type", "unit_test")


def test_a_hook_whose_statement_fails_says_why(lake: Lake, tmp_path: Path) -> None:
    create(tmp_path)
    write(tmp_path, "m", {"things": ("bigint", "2")})
    exposure = {"name": "x", "type": "dashboard", "owner": {"name": "ann"}, "depends_on": ["ref('m')"]}
    (tmp_path / "models/x.yml").write_text(yaml.safe_dump({"version": 2, "exposures": [exposure]}))
    settings = yaml.safe_load((tmp_path / "dbt_project.yml").read_text())
    settings["on-run-start"].append("select nothing_such")
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    told = run(tmp_path, lake, command="build", expect=1)
    assert "Column 'nothing_such' cannot be resolved" in told
    assert lake.rows("select holder from ops.lease") == [{"holder": ""}]


@pytest.mark.parametrize("command", ["run", "show"])
def test_a_cloud_that_does_not_answer_is_reported_in_one_line_with_what_to_do(
    tmp_path: Path, command: str
) -> None:
    nowhere = clean_environment() | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = dbt(tmp_path, command, "--select", "breweries_state", env=nowhere)
    assert done.returncode == 2
    assert 'Could not connect to the endpoint URL: "http://127.0.0.1:9/"' in done.stdout
    assert "dm local up" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_cycle_of_models_is_reported_in_one_line_with_what_to_do(tmp_path: Path) -> None:
    create(tmp_path)
    write(tmp_path, "a", {"n": ("bigint", "n")}, more=" from {{ ref('b') }}")
    write(tmp_path, "b", {"n": ("bigint", "n")}, more=" from {{ ref('a') }}")
    told = run(tmp_path, Lake(tmp_path, "http://127.0.0.1:9"), expect=2)
    assert "Found a cycle: model.lakehouse." in told
    assert "A model cannot ref() itself or what depends on it" in told
    assert "Traceback" not in told


def test_a_build_that_fails_before_its_models_gives_the_lease_back(lake: Lake) -> None:
    lake.publish("brewery", [record("insert", 1, **brewery(1))])
    lake.dbt("run", "--select", "breweries_state")
    # After taking the lease, the hook lists the files of this table.
    lake.client("s3").put_object(Bucket="lake", Key="warehouse/ops/consumed/broken", Body=b"no parquet")
    assert "broken" in lake.dbt(*BUILD, expect=2)
    assert lake.rows("select holder, fenced from ops.lease") == [{"holder": "", "fenced": ""}]
