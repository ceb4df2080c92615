import gzip
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from bronze.contract import load
from control.cli.main import dm
from control.errors import ControlError

CSV = "wine_id,wine_name,vintage,abv,bottled_on,maker_email\n" + "".join(
    f"{n},Wine {n},{1990 + n % 30},{'' if n % 7 == 0 else 11.5},2020-01-{n % 28 + 1:02},m{n}@example.org\n"
    for n in range(1, 100)
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DM_CONTRACTS", raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(dm, ["contract", *arguments])


def drafted(file: str, text: str) -> dict[str, tuple[str, bool]]:
    """Type and whether required of each column that is drafted from a raw file."""
    Path(file).write_bytes(gzip.compress(text.encode()))
    result = run("new", "bronze", "wine", "--from-file", file)
    assert result.exit_code == 0, result.exception
    return {c.name: (c.type, c.required) for c in load(Path("contracts/bronze/wine.yaml")).columns}


def test_a_csv_file_gives_types_and_what_is_required() -> None:
    assert drafted("wines.csv.gz", CSV) == {
        "wine_id": ("bigint", True),
        "wine_name": ("string", True),
        "vintage": ("bigint", True),
        "abv": ("double", False),
        "bottled_on": ("date", True),
        "maker_email": ("string", True),
    }


def test_the_draft_has_no_findings_renders_and_keeps_addresses_as_tokens() -> None:
    drafted("wines.csv.gz", CSV)
    assert run("lint").stdout == "2 contracts, 0 findings\n"
    assert run("sync").exit_code == 0
    assert run("sync", "--check").exit_code == 0
    contract = yaml.safe_load(Path("contracts/bronze/wine.yaml").read_text())
    email = contract["schema"][0]["properties"][5]
    assert (email["classification"], email["customProperties"]) == (
        "personal",
        [{"property": "token", "value": True}],
    )
    assert "cast(maker_email_token as varchar) as maker_email" in Path("models/silver/wines.sql").read_text()
    assert contract["status"] == "draft"


def test_change_records_give_the_kind_of_position_and_nested_types() -> None:
    def record(data: dict[str, object], **more: object) -> str:
        return json.dumps(
            {"data": data, "metadata": {"record-type": "data", "stream-position": "0/1A", **more}}
        )

    lines = [
        record(
            {"wine_id": 1, "grapes": ["a"], "maker": {"name": "x", "since": 1900}, "price": 3, "sold": True}
        ),
        record(
            {"wine_id": 2, "grapes": [], "maker": {"name": "y", "since": None}, "price": 3.5, "sold": None}
        )
        + record(
            {"wine_id": 3, "grapes": ["b"], "maker": {"name": "z", "since": 2000}, "price": 1, "sold": False}
        ),
        json.dumps({"metadata": {"record-type": "control", "operation": "create-table"}}),
    ]
    assert drafted("w.json.gz", "\n".join(lines)) == {
        "wine_id": ("bigint", True),
        "grapes": ("array<string>", True),
        "maker": ("struct<name:string,since:bigint>", True),
        "price": ("double", True),
        "sold": ("boolean", False),
    }
    assert load(Path("contracts/bronze/wine.yaml")).position == "lsn"
    assert (
        "cast(maker as row(name varchar, since bigint)) as maker"
        in Path("models/silver/wines.sql").read_text()
    )


def test_nothing_is_written_over() -> None:
    drafted("wines.csv.gz", CSV)
    before = Path("contracts/bronze/wine.yaml").read_text()
    error = run("new", "bronze", "wine", "--from-file", "wines.csv.gz").exception
    assert isinstance(error, ControlError)
    assert "is there already" in error.message
    assert Path("contracts/bronze/wine.yaml").read_text() == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv.gz", gzip.compress(b"a,b\n", mtime=0), "has no record"),
        ("a.csv.gz", b"not packed", "cannot read a.csv.gz"),
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:50], "cannot read a.csv.gz"),
        ("a.json.gz", gzip.compress(b'{"a": 1}\n{oops\n', mtime=0), "a.json.gz:2: no JSON"),
        ("a.csv.gz", gzip.compress(b"Wine Id,b\n1,2\n", mtime=0), "'Wine Id'"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,\n,2\n", mtime=0), "none can be the key"),
        ("a.parquet", b"PAR1", "neither .csv"),
    ],
)
def test_a_file_that_gives_no_draft_is_named_and_nothing_is_written(
    name: str, content: bytes, said: str
) -> None:
    Path(name).write_bytes(content)
    error = run("new", "bronze", "wine", "--from-file", name).exception
    assert isinstance(error, ControlError)
    assert said in error.message
    assert not Path("contracts").exists()
