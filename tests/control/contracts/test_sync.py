from pathlib import Path

import pytest

from control.contracts.lint import lint
from control.contracts.sync import Change, apply, plan
from control.errors import UsageError

MODELS = Path("models")


def differences(tree: Path) -> tuple[Change, ...]:
    return plan(lint([tree]).contracts, contracts_dir=tree, models_dir=MODELS)


@pytest.fixture
def synced(tree: Path) -> Path:
    """The tree with all files rendered."""
    apply(differences(tree))
    return tree


def test_after_a_sync_nothing_differs(synced: Path) -> None:
    assert differences(synced) == ()


def test_a_second_sync_writes_the_same_bytes(synced: Path) -> None:
    files = [*MODELS.rglob("*.*"), *(synced / "rendered").rglob("*.*")]
    before = {path: path.read_bytes() for path in files}
    assert len(before) == 9
    for path in before:
        path.unlink()
    apply(differences(synced))
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "name", ["models/sources.yml", "models/silver/items.yml", "contracts/rendered/bronze/item.json"]
)
def test_a_changed_rendered_file_is_found_with_its_different_lines(synced: Path, name: str) -> None:
    path = Path(name)
    path.write_text(path.read_text().replace("Its name.", "Its title."))
    [change] = differences(synced)
    assert (change.file, change.action) == (name, "write")
    assert [line[0] for line in change.diff.splitlines() if "Its " in line] == ["-", "+"]


def test_a_changed_contract_is_found_in_every_file_rendered_from_it(synced: Path) -> None:
    path = synced / "bronze/item.yaml"
    path.write_text(path.read_text().replace("Its name.", "Its title."))
    assert [change.file for change in differences(synced)] == [
        "contracts/rendered/bronze/item.json",
        "models/silver/items_state.yml",
        "models/sources.yml",
    ]


def test_a_missing_file_is_found(synced: Path) -> None:
    (MODELS / "gold/sales_by_day.yml").unlink()
    [change] = differences(synced)
    assert (change.file, change.action) == ("models/gold/sales_by_day.yml", "write")
    assert change.diff.startswith("missing")


def test_a_file_that_no_contract_renders_any_more_is_removed(synced: Path) -> None:
    (synced / "gold/sales_by_day.yaml").unlink()
    consumed = synced / "silver/sales.yaml"
    consumed.write_text(consumed.read_text().replace("gold.sales_by_day", "shop"))
    stray = synced / "rendered/bronze/old.json"
    stray.write_text("{}")
    found = [(c.file, c.action) for c in differences(synced) if c.action == "remove"]
    assert found == [
        ("contracts/rendered/bronze/old.json", "remove"),
        ("models/gold/sales_by_day.yml", "remove"),
    ]
    apply(differences(synced))
    assert not stray.exists()
    assert not (MODELS / "gold/sales_by_day.yml").exists()


def test_handwritten_files_are_not_touched(synced: Path) -> None:
    mine = MODELS / "silver/items_state_tests.yml"
    mine.write_text("unit_tests: []\n")
    (MODELS / "silver/items.sql").write_text("select 1\n")
    apply(differences(synced))
    assert differences(synced) == ()
    assert mine.read_text() == "unit_tests: []\n"


def test_a_handwritten_file_in_the_way_is_an_error_and_kept(tree: Path) -> None:
    path = MODELS / "silver/items.yml"
    path.parent.mkdir(parents=True)
    path.write_text("models: []\n")
    with pytest.raises(UsageError, match="written by hand") as caught:
        differences(tree)
    assert "items_tests.yml" in caught.value.hint
    assert path.read_text() == "models: []\n"


def test_different_line_ends_are_a_difference(synced: Path) -> None:
    path = MODELS / "silver/items.yml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    [change] = differences(synced)
    assert change.diff == "only line ends differ"


def test_a_long_difference_is_truncated(synced: Path) -> None:
    path = MODELS / "silver/items.yml"
    first = path.read_text().splitlines()[0]
    path.write_text(first + "\n" + "x\n" * 100)
    [change] = differences(synced)
    assert len(change.diff.splitlines()) == 21
    assert change.diff.splitlines()[-1].startswith("… ")
