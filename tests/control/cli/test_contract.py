import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from control.cli.contract import command
from control.cli.main import dm
from control.errors import ControlError

TREE = Path(__file__).parents[1] / "contracts/tree"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(TREE, tmp_path / "contracts")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DM_CONTRACTS", raising=False)
    return Path("contracts")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(dm, ["contract", *arguments])


def test_lint_of_valid_contracts_exits_0_and_counts_them() -> None:
    result = run("lint")
    assert (result.exit_code, result.stdout) == (0, "4 contracts, 0 findings\n")


def test_lint_prints_file_line_and_column_of_each_finding_and_exits_1() -> None:
    path = Path("contracts/silver/items.yaml")
    path.write_text(path.read_text().replace("version: 1.2.3", "version: one"))
    result = run("lint", str(path))
    assert result.exit_code == 1
    first, last = result.stdout.splitlines()
    assert first.startswith("contracts/silver/items.yaml:5:1: error version-invalid: version 'one' is not")
    assert last == "1 contract, 1 finding"


def test_lint_of_broken_yaml_is_a_finding_not_a_traceback() -> None:
    Path("contracts/bronze/item.yaml").write_text("kind: DataContract\nschema: [\n")
    result = run("lint", "--json")
    assert result.exit_code == 1
    [finding] = json.loads(result.stdout)["findings"]
    assert (finding["code"], finding["file"]) == ("yaml-syntax", "contracts/bronze/item.yaml")
    assert finding["message"].startswith("not valid YAML: ")


def test_lint_as_json_names_files_and_findings() -> None:
    result = run("lint", "contracts/gold", "--json")
    assert json.loads(result.stdout) == {
        "ok": True,
        "files": ["contracts/gold/sales_by_day.yaml"],
        "findings": [],
    }


def test_lint_reads_the_folder_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("contracts").rename("elsewhere")
    monkeypatch.setenv("DM_CONTRACTS", "elsewhere")
    assert run("lint").stdout == "4 contracts, 0 findings\n"


def test_sync_writes_and_then_has_nothing_to_do() -> None:
    first = run("sync")
    assert first.exit_code == 0
    assert "models/silver/items_state.yml: written" in first.stdout
    assert first.stdout.endswith(
        "next: dm ingest run, which updates the bronze tables before the next build reads them\n"
    )
    second = run("sync")
    assert (second.exit_code, second.stdout) == (0, "all rendered files are up to date\n")
    assert run("sync", "--check").exit_code == 0


def test_sync_check_shows_the_difference_without_writing_and_exits_1() -> None:
    run("sync")
    path = Path("models/silver/items.yml")
    edited = path.read_text().replace("Its name.", "Its title.")
    path.write_text(edited)
    result = run("sync", "--check")
    assert result.exit_code == 1
    assert path.read_text() == edited
    assert "models/silver/items.yml: differs" in result.stdout
    assert "  -        description: Its title." in result.stdout
    assert "run dm contract sync" in result.stdout


def test_sync_check_as_json_lists_the_files() -> None:
    run("sync")
    Path("models/sources.yml").unlink()
    result = run("sync", "--check", "--json")
    assert result.exit_code == 1
    body = json.loads(result.stdout)
    assert (body["ok"], [(c["file"], c["action"]) for c in body["changes"]]) == (
        False,
        [("models/sources.yml", "write")],
    )


def test_a_model_without_a_contract_is_refused() -> None:
    run("sync")
    extra = Path("models/gold/extra.sql")
    extra.parent.mkdir(parents=True, exist_ok=True)
    extra.write_text("select 1 as a")
    result = run("sync", "--check")
    assert result.exit_code == 1
    assert "models/gold/extra.sql:1:1: error model-uncontracted:" in result.stdout
    assert "write contracts/gold/extra.yaml, with its owner and consumers" in result.stdout
    assert json.loads(run("sync", "--check", "--json").stdout)["ok"] is False


@pytest.mark.parametrize(
    ("reads", "named_in"),
    [
        ("ref('items')", "silver/items"),
        ('ref( "items_state" )', "silver/items"),
        ("source('bronze', 'item')", "bronze/item"),
        ("source('bronze', 'item_events')", "bronze/item"),
        ("ref('sales_live')", ""),
        ("ref('sales_by_day')", ""),
        ("ref('elsewhere')", ""),
    ],
)
def test_a_model_that_reads_a_table_must_be_among_its_consumers(reads: str, named_in: str) -> None:
    run("sync")
    Path("models/gold").mkdir(parents=True, exist_ok=True)
    Path("models/gold/sales_by_day.sql").write_text(f"select * from {{{{ {reads} }}}} as read")
    found = json.loads(run("sync", "--check", "--json").stdout)["findings"]
    assert [(f["code"], f["file"]) for f in found] == (
        [("consumer-unnamed", f"contracts/{named_in}.yaml")] if named_in else []
    )
    assert all("name gold.sales_by_day among its consumers" in f["message"] for f in found)


def test_sync_of_broken_contracts_renders_nothing_and_exits_1() -> None:
    path = Path("contracts/silver/items.yaml")
    path.write_text(path.read_text().replace("version: 1.2.3", "version: one"))
    result = run("sync")
    assert result.exit_code == 1
    assert "version-invalid" in result.stdout
    assert "fix the contracts first" in result.stderr
    assert not Path("models").exists()


@pytest.mark.parametrize("name", ["lint", "sync"])
def test_help_has_an_example(name: str) -> None:
    result = CliRunner().invoke(command, [name, "--help"])
    assert result.exit_code == 0
    assert f"dm contract {name}" in result.stdout


@pytest.mark.parametrize("name", ["lint", "sync"])
def test_lint_without_contracts_says_how_to_draft_the_first(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    error = run(name).exception
    assert isinstance(error, ControlError)
    assert error.message == "there are no contracts in contracts"
    assert "dm contract new bronze TABLE --from-file FILE" in error.hint
