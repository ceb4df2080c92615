"""Other dbt commands between a failed build and its retry leave the results that the retry needs."""

import json

import pytest
from bronze_lake import Lake
from histories import brewery, record

MODELS = ("--select", "breweries_state")


@pytest.fixture(scope="module")
def failed(lake: Lake) -> Lake:
    """Return a lake in which the last build failed: its one table exists and was to be rebuilt."""
    lake.publish("brewery", [record("insert", 1, **brewery(1))])
    lake.dbt("run", *MODELS)
    lake.dbt("run", *MODELS, "--full-refresh", expect=1)
    return lake


def test_compile_show_and_docs_keep_the_results_of_the_build(failed: Lake) -> None:
    failed.dbt("compile", *MODELS)
    failed.dbt("show", *MODELS)
    failed.dbt("docs", "generate", "--empty-catalog", *MODELS)
    assert failed.statuses() == {"breweries_state": "error"}
    told = failed.dbt("retry", expect=1)
    assert "Failure in model breweries_state" in told


@pytest.mark.parametrize(("which", "named"), [("generate", "dbt docs generate"), ("show", "dbt show")])
def test_retry_names_the_command_it_cannot_repeat_and_what_to_do(
    failed: Lake, which: str, named: str
) -> None:
    file = failed.folder / "target/run_results.json"
    results = json.loads(file.read_text())
    results["args"]["which"] = which
    file.write_text(json.dumps(results))
    told = failed.dbt("retry", expect=2)
    assert f"the results of `{named}`" in told
    assert "dbt build --select MODEL+" in told
    assert "Traceback" not in told
