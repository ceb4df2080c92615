"""A model whose query changed is recomputed in place by the next build: no table mixes two queries."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from bronze_lake import Lake
from small_project import create, run, write

NEW = "\nfrom {{ source('bronze', 'brewery') }} where {{ new_batches() }}"
SHOWN = "\n    and exists (select 1 from {{ ref('shown') }})"
VIEW = "{{{{ config(materialized='view') }}}}\nselect cast({} as bigint) as id, cast('x' as varchar) as word"


def brewery(number: int) -> dict[str, Any]:
    return {"brewery_id": number, "brewery_name": f"Brewery {number}", "_seq": f"{number:04d}", "_rev": 1}


def state(folder: Path, name: str, comment: str = "", more: str = "") -> None:
    """Write a model that selects `name`."""
    write(folder, "names", {"name": ("varchar", f"cast({name} as varchar)")}, more=NEW + more)
    file = folder / "models/names.sql"
    text = file.read_text().replace("cast(1 as bigint) as id", "cast(brewery_id as bigint) as id")
    file.write_text(f"-- {comment}\n{text}" if comment else text)


def names(lake: Lake) -> list[str]:
    return [row["name"] for row in lake.rows("select name from silver.names order by id")]


@pytest.fixture
def built(lake: Lake, tmp_path: Path) -> Lake:
    """Build a model that has consumed one batch."""
    house = lake.emptied()
    house.publish("brewery", [brewery(1)])
    create(tmp_path)
    source = {"name": "bronze", "schema": "bronze", "tables": [{"name": "brewery"}]}
    (tmp_path / "models/sources.yml").write_text(yaml.safe_dump({"version": 2, "sources": [source]}))
    state(tmp_path, "brewery_name")
    run(tmp_path, house)
    return house


def test_consumed_rows_are_recomputed_by_the_new_query(built: Lake, tmp_path: Path) -> None:
    state(tmp_path, "upper(brewery_name)")
    assert '"names" is computed anew: its query has changed.' in run(tmp_path, built)
    assert names(built) == ["BREWERY 1"], "recomputed, although no batch is new"
    built.publish("brewery", [brewery(2)])
    assert "computed anew" not in run(tmp_path, built), "only once"
    assert names(built) == ["BREWERY 1", "BREWERY 2"]


def test_a_comment_or_the_variable_same_query_prevents_a_recompute(built: Lake, tmp_path: Path) -> None:
    state(tmp_path, "brewery_name", comment="The names of breweries.")
    assert "computed anew" not in run(tmp_path, built)
    state(tmp_path, "trim(brewery_name)")
    assert "computed anew" not in run(tmp_path, built, more=("--vars", "same_query: true"))
    assert "computed anew" not in run(tmp_path, built), "the new query was recorded"


def test_the_query_of_a_view_is_part_of_the_queries_that_read_it(built: Lake, tmp_path: Path) -> None:
    write(tmp_path, "shown", {"word": ("varchar", "'x'")}, materialized="view")
    (tmp_path / "models/shown.sql").write_text(VIEW.format(1))
    state(tmp_path, "brewery_name", more=SHOWN)
    assert "computed anew" in run(tmp_path, built)
    assert "computed anew" not in run(tmp_path, built)
    (tmp_path / "models/shown.sql").write_text(VIEW.format(2))
    # The lake still has the old view.
    assert "computed anew" not in run(tmp_path, built, more=("--select", "names"))
    assert "computed anew" not in run(tmp_path, built, more=("--select", "shown"))
    assert "computed anew" in run(tmp_path, built, more=("--select", "names"))
    assert "computed anew" not in run(tmp_path, built)


def test_the_query_of_a_view_behind_a_view_is_part_of_the_queries_that_read_it(
    built: Lake, tmp_path: Path
) -> None:
    for name in ("shown", "behind"):
        write(tmp_path, name, {"word": ("varchar", "'x'")}, materialized="view")
    (tmp_path / "models/behind.sql").write_text(VIEW.format(1))
    reading = "{{ config(materialized='view') }}\nselect id, word from {{ ref('behind') }}"
    (tmp_path / "models/shown.sql").write_text(reading)
    state(tmp_path, "brewery_name", more=SHOWN)
    run(tmp_path, built)
    (tmp_path / "models/behind.sql").write_text(VIEW.format(2))
    run(tmp_path, built, more=("--select", "behind"))
    assert "computed anew" in run(tmp_path, built, more=("--select", "names"))
    assert "computed anew" not in run(tmp_path, built)


def test_the_query_of_an_ephemeral_model_is_part_of_the_queries_that_read_it(
    built: Lake, tmp_path: Path
) -> None:
    shown = tmp_path / "models/shown.sql"
    ephemeral = "{{{{ config(materialized='ephemeral', contract={{'enforced': false}}) }}}}\nselect {} as id"
    shown.write_text(ephemeral.format(1))
    state(tmp_path, "brewery_name", more=SHOWN)
    assert "computed anew" in run(tmp_path, built)
    assert "computed anew" not in run(tmp_path, built)
    shown.write_text(ephemeral.format(2))
    assert "computed anew" in run(tmp_path, built)


def test_a_macro_and_a_variable_are_part_of_the_query(built: Lake, tmp_path: Path) -> None:
    settings = yaml.safe_load((tmp_path / "dbt_project.yml").read_text())
    settings["macro-paths"].append("own")
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    (tmp_path / "own").mkdir()
    macro = tmp_path / "own/cleaned.sql"
    macro.write_text("{% macro cleaned(name) %}upper({{ name }}){% endmacro %}")
    state(tmp_path, "{{ cleaned('brewery_name') }} || '{{ var('mark', '') }}'")
    assert "computed anew" in run(tmp_path, built)
    macro.write_text("{% macro cleaned(name) %}{# The same text. #}upper({{ name }}){% endmacro %}")
    assert "computed anew" not in run(tmp_path, built)
    macro.write_text("{% macro cleaned(name) %}lower({{ name }}){% endmacro %}")
    assert "computed anew" in run(tmp_path, built)
    assert names(built) == ["brewery 1"]
    assert "computed anew" in run(tmp_path, built, more=("--vars", "mark: '!'"))
    assert names(built) == ["brewery 1!"]


def test_the_time_and_the_name_of_a_run_are_no_part_of_the_query(built: Lake, tmp_path: Path) -> None:
    stamp = "{{ run_started_at }} {{ invocation_id }} {{ build_id() }} {{ execute }}"
    state(tmp_path, f"brewery_name || substr('{stamp}', 1, 0)")
    assert "computed anew" in run(tmp_path, built)
    assert "computed anew" not in run(tmp_path, built)
