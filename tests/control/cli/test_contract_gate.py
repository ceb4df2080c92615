import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from control.cli.main import dm
from control.errors import ControlError, UsageError

BASE = Path(__file__).parents[1] / "contracts/gate/base"
GOLD = "head/gold/sales_by_month.yaml"
REVENUE = """      - name: revenue
        logicalType: number
        physicalType: decimal(12,2)
        required: true
        description: Sum in euro.
        classification: public
"""


@pytest.fixture(autouse=True)
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("base", "head"):
        shutil.copytree(BASE, tmp_path / name)
    monkeypatch.chdir(tmp_path)


def gate(*options: str, base: str = "base", head: str = "head") -> Result:
    arguments = ["contract", "gate", "--base", base, "--head", head, "--today", "2026-06-01", *options]
    return CliRunner().invoke(dm, arguments)


def change(file: str, *pairs: tuple[str, str]) -> None:
    path = Path(file)
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


def findings(*options: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(gate("--json", *options).stdout)["findings"]
    return found


def test_equal_trees_have_no_finding() -> None:
    result = gate("--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"ok": True, "required_bump": "none", "findings": []}


def test_a_dropped_column_needs_a_major_version_and_names_who_reads_it() -> None:
    change(GOLD, (REVENUE, ""), ("version: 1.4.2", "version: 1.5.0"))
    result = gate("--json")
    body = json.loads(result.stdout)
    assert (result.exit_code, body["ok"], body["required_bump"]) == (1, False, "major")
    dropped = body["findings"][0]
    assert (dropped["code"], dropped["severity"], dropped["table"], dropped["path"]) == (
        "column-dropped", "breaking", "gold.sales_by_month", "columns.revenue",
    )  # fmt: skip
    assert dropped["consumers"] == ["finance", "board"]
    change(GOLD, ("version: 1.5.0", "version: 2.0.0"))
    assert gate().exit_code == 0


def test_the_finding_for_a_rename_in_bronze_says_that_ingestion_would_stop() -> None:
    change("head/bronze/order.yaml", ("- name: amount\n", "- name: renamed\n"))
    change(GOLD, ("- name: mean_weight\n", "- name: renamed\n"))
    told = {f["table"]: str(f["message"]) for f in findings() if f["code"] == "column-renamed"}
    assert "Ingestion stops at a bronze table" in told["bronze.order"]
    assert "Ingestion" not in told["gold.sales_by_month"]


def test_consumers_of_other_columns_are_not_named() -> None:
    change(
        GOLD,
        ("physicalType: float", "physicalType: string"),
        (
            "logicalType: number\n        physicalType: string",
            "logicalType: string\n        physicalType: string",
        ),
    )
    [finding] = [f for f in findings() if f["code"] == "type-changed"]
    assert finding["consumers"] == ["board"], "finance says that it does not read mean_weight"


def test_several_processes_judge_many_contracts_like_one(monkeypatch: pytest.MonkeyPatch) -> None:
    change(GOLD, (REVENUE, ""))
    change("head/silver/order_flat.yaml", ("varchar(20)", "varchar(10)"))
    alone = gate("--json")
    monkeypatch.setattr("control.contracts.gate.judge._WORTH_PROCESSES", 2)
    assert gate("--json").stdout == alone.stdout
    change("head/silver/order_flat.yaml", ("version:", "vresion:"))
    error = gate().exception
    assert isinstance(error, ControlError)
    assert "odcs-unknown-key" in error.message


def test_exposures_of_the_dbt_project_are_consumers(tmp_path: Path) -> None:
    Path("head/contracts").mkdir()
    for layer in ("bronze", "silver", "gold"):
        shutil.move(f"head/{layer}", "head/contracts")
    Path("head/models").mkdir()
    Path("head/models/exposures.yml").write_text(
        "exposures:\n"
        "  - name: planning\n    type: dashboard\n    depends_on: [ref('order_lines')]\n"
        "  - name: stickers\n    type: application\n    depends_on: [ref('order_flat')]\n"
        "    config: {meta: {columns: [order_flat.serial]}}\n"
    )
    change("head/contracts/silver/order_flat.yaml", ("varchar(20)", "varchar(10)"))
    [finding] = [f for f in findings() if f["code"] == "type-changed"]
    assert finding["consumers"] == ["gold.sales_by_month", "warehouse", "planning"]


def test_a_finding_has_the_line_of_its_cause() -> None:
    change(GOLD, ("decimal(12,2)", "decimal(10,2)"))
    line = next(i for i, text in enumerate(Path(GOLD).read_text().splitlines(), 1) if "decimal(10,2)" in text)
    result = gate()
    assert f"{GOLD}:{line}:9: breaking type-changed: column revenue becomes decimal(10,2)" in result.stdout
    assert "needs a major version after 1.4.2, or a waiver" in result.stdout
    assert "read by finance, board" in result.stdout


def waive(expires: str, path: str = "columns.revenue", file: str = "head/waivers.yaml") -> None:
    Path(file).write_text(
        f"- table: gold.sales_by_month\n  code: column-dropped\n  path: {path}\n"
        f"  reason: Nobody read it.\n  owner: shop@example.org\n  expires: {expires}\n"
    )


def test_a_waiver_covers_its_finding_until_it_expires() -> None:
    change(GOLD, (REVENUE, ""), ("version: 1.4.2", "version: 1.5.0"))
    waive("2026-06-01")
    result = gate("--json", "--require-deprecation")
    [dropped] = [f for f in json.loads(result.stdout)["findings"] if f["code"] == "column-dropped"]
    assert (result.exit_code, dropped["state"]) == (0, "waived")
    waive("2026-05-31")
    result = gate("--json")
    codes = {f["code"]: f["state"] for f in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 1
    assert (codes["column-dropped"], codes["waiver-expired"]) == ("open", "open")


def test_an_explicit_waivers_file_replaces_that_of_the_contracts() -> None:
    change(GOLD, (REVENUE, ""), ("version: 1.4.2", "version: 1.5.0"))
    waive("2026-06-01", file="elsewhere.yaml")
    assert gate("--require-deprecation").exit_code == 1
    assert gate("--require-deprecation", "--waivers", "elsewhere.yaml").exit_code == 0
    waive("2026-06-01")
    waive("2026-05-31", file="elsewhere.yaml")
    result = gate("--waivers", "elsewhere.yaml")
    assert result.exit_code == 1
    assert "elsewhere.yaml:1:1: breaking waiver-expired" in result.stdout


def test_an_expired_waiver_fails_even_if_nothing_changed() -> None:
    waive("2026-05-31")
    result = gate()
    assert result.exit_code == 1
    assert "head/waivers.yaml:1:1: breaking waiver-expired" in result.stdout


def test_a_waiver_of_another_path_is_reported_as_matching_nothing() -> None:
    change(GOLD, (REVENUE, ""), ("version: 1.4.2", "version: 1.5.0"))
    waive("2026-12-31", "columns.order_count")
    result = gate()
    assert result.exit_code == 1
    assert "no longer matches anything" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- table: a\n  code: b\n", "waivers.yaml:1: a waiver lacks reason, owner, expires"),
        ("- {table: a, code: b, reason: c, owner: d, expires: soon}\n", "waivers.yaml:1: expires is 'soon'"),
        ("- {table: a, code: b, reason: c, owner: d, expires: 2026-01-01, why: e}\n", "a waiver has no why"),
        ("just text\n", "write a list of waivers"),
        ("- [\n", "not valid YAML"),
    ],
)
def test_an_unreadable_waivers_file_is_a_usage_error(text: str, said: str) -> None:
    Path("head/waivers.yaml").write_text(text)
    error = gate().exception
    assert isinstance(error, UsageError)
    assert said in error.message


def test_the_base_may_be_a_commit_without_a_checkout() -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    shutil.move("head", "repository")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *command], cwd="repository", check=True)
    assert gate(base="HEAD", head="repository").exit_code == 0
    change("repository/gold/sales_by_month.yaml", (REVENUE, ""))
    before = subprocess.run(["git", "status", "--short"], cwd="repository", capture_output=True, check=True)
    assert gate(base="HEAD", head="repository").exit_code == 1
    after = subprocess.run(["git", "status", "--short"], cwd="repository", capture_output=True, check=True)
    assert before.stdout == after.stdout
    with_folder = gate("--json", base="base", head="repository")
    with_commit = gate("--json", base="HEAD", head="repository")
    assert with_folder.stdout == with_commit.stdout


def test_what_a_branch_lacks_is_said_beside_what_appears_as_undone() -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    shutil.move("head", "repository")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"], ["branch", "mine"]):
        subprocess.run([*git, *command], cwd="repository", check=True)
    change("repository/gold/sales_by_month.yaml", ("version: 1.4.2", "version: 1.4.3"))
    subprocess.run([*git, "commit", "-qam", "Raise"], cwd="repository", check=True)
    subprocess.run([*git, "tag", "theirs"], cwd="repository", check=True)
    assert "lacks" not in gate(base="theirs", head="repository").stderr
    subprocess.run([*git, "checkout", "-q", "mine"], cwd="repository", check=True)
    result = gate(base="theirs", head="repository")
    assert "version-lowered" in result.stdout
    assert "lacks 1 commit of theirs that changed repository" in result.stderr


def test_a_base_that_is_neither_folder_nor_commit_is_a_usage_error() -> None:
    subprocess.run(["git", "init", "-q", "head"], check=True)
    error = gate(base="origin/main").exception
    assert isinstance(error, UsageError)
    assert "neither a folder nor a commit" in error.message
    assert "git fetch" in error.hint


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version: 1.4.2", "version: [1.4", "not valid YAML"),
        ("version: 1.4.2", "version: one", "sales_by_month.yaml:5:1: version-invalid: version 'one'"),
        ("apiVersion: v3.1.0", "apiVersion: v2.2.2", ":1:1: odcs-version: apiVersion is 'v2.2.2'"),
        ("name: Sales by month", "nmae: Sales by month", ":4:1: odcs-unknown-key: 'nmae' is"),
        ("      - name: revenue", "      - name: order_count", "column-duplicate: column 'order_count'"),
        ("primaryKey: true", "primaryKey: perhaps", "odcs-type: primaryKey is 'perhaps'"),
        ("properties:\n", "properties:\n      - &a [*a]\n", "alias"),
    ],
)  # fmt: skip
def test_an_unreadable_contract_is_reported_with_its_line(old: str, new: str, said: str) -> None:
    change(GOLD, (old, new))
    error = gate().exception
    assert isinstance(error, ControlError)
    assert said in error.message
    assert "fix these lines" in error.hint


def test_line_numbers_are_right_although_unchanged_columns_are_skipped() -> None:
    change(
        GOLD,
        ("name: best_customer", "nmae: best_customer"),
    )
    error = gate().exception
    line = next(i for i, text in enumerate(Path(GOLD).read_text().splitlines(), 1) if "nmae" in text)
    assert isinstance(error, ControlError)
    assert f"{GOLD}:{line}:" in error.message


def test_markdown_output_is_a_short_table() -> None:
    change(GOLD, (REVENUE, ""))
    lines = gate("--markdown").stdout.splitlines()
    assert lines[0] == "**Contracts: not yet** · required bump: major"
    assert lines[2] == "| | table | change | consumers | needs |"
    assert lines[4].startswith("| breaking | gold.sales_by_month | column revenue is dropped")
    assert lines[4].endswith("| finance, board | a major version after 1.4.2, or a waiver |")


def test_sarif_output_has_the_lines() -> None:
    change(GOLD, ("decimal(12,2)", "decimal(10,2)"))
    body = json.loads(gate("--sarif").stdout)
    assert body["version"] == "2.1.0"
    result = body["runs"][0]["results"][0]
    assert (result["ruleId"], result["level"]) == ("type-changed", "error")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == GOLD


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--require-deprecation",), 1)])
def test_a_change_that_breaks_readers_needs_an_announced_end(options: tuple[str, ...], code: int) -> None:
    change(GOLD, (REVENUE, ""), ("version: 1.4.2", "version: 2.0.0"))
    assert gate(*options).exit_code == code
    assert "deprecation-missing" in {f["code"] for f in findings()}
    # An end that is announced only now is no announcement: the column is gone today.
    change(GOLD, ("customProperties:\n  - property: consumers", DEPRECATION.format("2026-09-01")))
    assert gate(*options).exit_code == code
    assert "deprecation-missing" in {f["code"] for f in findings()}


DEPRECATION = """customProperties:
  - property: deprecation
    value: {{announced: "2026-01-01", ends: "{}"}}
  - property: consumers"""


@pytest.mark.parametrize(("ends", "code"), [("2026-06-01", 0), ("2026-06-02", 1)])
def test_a_drop_before_its_announced_end_needs_a_waiver(ends: str, code: int) -> None:
    for tree in ("base", "head"):
        change(
            f"{tree}/gold/sales_by_month.yaml",
            ("customProperties:\n  - property: consumers", DEPRECATION.format(ends)),
        )
    change(GOLD, (REVENUE, ""), ("version: 1.4.2", "version: 2.0.0"))
    assert gate("--require-deprecation").exit_code == code
    assert ("deprecation-early" in {f["code"] for f in findings()}) == bool(code)


@pytest.mark.parametrize(("ends", "code"), [("2026-06-01", 0), ("2026-06-02", 1)])
def test_a_contract_may_be_removed_after_its_announced_end(ends: str, code: int) -> None:
    change(
        "base/gold/sales_by_month.yaml",
        ("customProperties:\n  - property: consumers", DEPRECATION.format(ends)),
    )
    Path(GOLD).unlink()
    assert gate().exit_code == code


def test_a_nonstandard_contract_in_the_base_is_reported() -> None:
    change("base/gold/sales_by_month.yaml", ("slaProperties:\n", "slaProperties: 3\nx:\n"))
    error = gate().exception
    assert isinstance(error, ControlError)
    assert "base/gold/sales_by_month.yaml:" in error.message


def test_a_project_without_contracts_has_none_whatever_other_yaml_it_contains() -> None:
    for side, contracts in (("emptied", ""), ("begun", "head")):
        Path(side, "models").mkdir(parents=True)
        Path(side, "dbt_project.yml").write_text("name: lakehouse\n")
        Path(side, "models/sources.yml").write_text("version: 2\n")
        if contracts:
            shutil.copytree(contracts, Path(side, "contracts"))
    assert gate(base="emptied", head="begun").exit_code == 0
    gone = json.loads(gate("--json", base="begun", head="emptied").stdout)["findings"]
    assert "table-removed" in {found["code"] for found in gone}
