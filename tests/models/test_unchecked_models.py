"""A model that would bypass the checks, or swap a table under its readers, is refused from the start."""

from pathlib import Path

import pytest
import yaml
from bronze_lake import Lake
from small_project import create, run, write

SNAPSHOT = """
{% snapshot kept %}
{{ config(unique_key="id", strategy="check", check_cols=["n"], schema="silver") }}
select 1 as id, 2 as n
{% endsnapshot %}
"""


@pytest.fixture
def project(lake: Lake, tmp_path: Path) -> Path:
    """Create a project whose one table exists and holds 2."""
    create(tmp_path)
    write(tmp_path, "things", {"n": ("bigint", "cast(2 as bigint)")})
    run(tmp_path, lake)
    write(tmp_path, "things", {"n": ("bigint", "cast(3 as bigint)")})
    return tmp_path


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"materialized": "table"}, "things is materialized as a table"),
        (
            {
                "incremental_strategy": "microbatch",
                "event_time": "n",
                "batch_size": "day",
                "begin": "2026-11-29",
            },
            "things is a microbatch model",
        ),
        ({"incremental_strategy": "append"}, "things writes by append instead of merge"),
        ({"table_type": "hive"}, "things is a hive table"),
        ({"force_batch": True}, "things is merged in several commits (force_batch)"),
        ({"materialized": "materialized_view"}, "things is materialized as a materialized_view"),
        ({"contract": {"enforced": False}}, "things has a contract that is not enforced"),
    ],
)
def test_a_model_that_readers_would_see_unchecked_is_refused(
    lake: Lake, project: Path, config: dict[str, str], said: str
) -> None:
    file = project / "models/things.yml"
    stated = yaml.safe_load(file.read_text())
    stated["models"][0]["config"] |= config
    file.write_text(yaml.safe_dump(stated))
    told = run(project, lake, expect=2)
    assert said in told
    assert "Leave these settings out" in told
    assert lake.rows("select n from silver.things") == [{"n": 2}]
    assert lake.rows("select holder from ops.lease") == [{"holder": ""}]


def test_a_model_with_the_adapters_defaults_is_refused(lake: Lake, project: Path) -> None:
    """As those of packages are: the settings of this project do not reach them."""
    settings = yaml.safe_load((project / "dbt_project.yml").read_text())
    del settings["models"]["lakehouse"]["+incremental_strategy"]
    (project / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    assert "things writes by insert_overwrite instead of merge" in run(project, lake, expect=2)


def test_a_snapshot_is_refused(lake: Lake, project: Path) -> None:
    (project / "snapshots").mkdir()
    (project / "snapshots/kept.sql").write_text(SNAPSHOT)
    assert "kept is a snapshot" in run(project, lake, command="snapshot", expect=2)


def test_a_model_without_a_contract_is_refused_with_how_to_write_one(lake: Lake, project: Path) -> None:
    (project / "models/things.yml").unlink()
    told = run(project, lake, expect=2)
    assert (
        "these models have no contract to be checked against: things. Draft one: dm contract new model"
        in told
    )
    assert lake.rows("select n from silver.things") == [{"n": 2}]


def test_an_ephemeral_model_needs_no_contract(lake: Lake, project: Path) -> None:
    (project / "models/middle.sql").write_text("{{ config(materialized='ephemeral') }}\nselect 4 as n")
    more = "\nfrom {{ ref('middle') }} as middle"
    write(project, "things", {"n": ("bigint", "cast(middle.n as bigint)")}, more=more)
    run(project, lake)
    assert lake.rows("select n from silver.things") == [{"n": 4}]


def test_two_models_cannot_share_the_name_of_a_table(lake: Lake, project: Path) -> None:
    """What a model has consumed is recorded under the name of its table."""
    write(project, "others", {"n": ("bigint", "cast(2 as bigint)")}, materialized="view")
    file = project / "models/others.yml"
    stated = yaml.safe_load(file.read_text())
    stated["models"][0]["config"] |= {"alias": "Things", "schema": "gold"}
    file.write_text(yaml.safe_dump(stated))
    told = run(project, lake, more=("--select", "others"), expect=2)
    assert "others and things are both named things (gold.Things, silver.things)" in told
    assert lake.rows("select n from silver.things") == [{"n": 2}]


def test_a_first_build_without_a_unique_key_is_refused(lake: Lake, project: Path) -> None:
    write(project, "fresh", {"n": ("bigint", "cast(2 as bigint)")})
    file = project / "models/fresh.yml"
    stated = yaml.safe_load(file.read_text())
    del stated["models"][0]["config"]["unique_key"]
    quiet = {"warn_unsupported": False, "warn_unenforced": False}
    stated["models"][0]["constraints"] = [{"type": "primary_key", "columns": ["id"], **quiet}]
    file.write_text(yaml.safe_dump(stated))
    told = run(project, lake, expect=1)
    assert "merges by nothing, but the key of its contract is id" in told
