"""docs/your-domain.md: whoever follows it has their own tables, no beer left, and sees what it shows."""

import csv
import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from lakehouse import BIN, ROOT, Lakehouse, clean_environment
from page_steps import Shell, Step, Written, parts, shell, squeezed

PAGE = ROOT / "docs/your-domain.md"
# Made by the targets, or specific to a machine.
MADE = (".git", ".dm", ".tools", ".hypothesis", "target", "logs", "site", "dist")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
# Where nothing may mention the example any more.
PLACES = (
    "contracts", "models", "lineage", "site", "macros", "profiles", "infra", "target/docs/compiled",
)  # fmt: skip
# Words of the example that the product itself does not use: `reviewed` lineage and HTML's `preview` are fine.
BEER = re.compile(r"beer|brewer|\breviews?\b|\bprofile_id", re.IGNORECASE)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """Return a copy of the repository as a first commit, with this environment."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT, folder, ignore=left)
    for name in (".venv", ".tools"):
        (folder / name).symlink_to(ROOT / name)
    git = ["git", "-C", str(folder), "-c", "init.defaultBranch=main"]
    remote = (["remote", "add", "origin", str(ROOT)], ["update-ref", "refs/remotes/origin/main", "HEAD"])
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "A clone"], *remote):
        subprocess.run([*git, *command], check=True, env=environment(folder))
    yield folder
    subprocess.run([BIN / "dm", "local", "reset"], cwd=folder, env=environment(folder), check=False)


def left(folder: str, names: list[str]) -> list[str]:
    made = [name for name in names if name in MADE or name.startswith(".venv") or name.endswith("_cache")]
    return [name for name in names if name == "__pycache__"] + (made if Path(folder) == ROOT else [])


def environment(clone: Path) -> dict[str, str]:
    """Return an environment with a git author, in which `dm` and dbt run the code of the clone."""
    who = {
        f"GIT_{role}_{word}": "reader@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for word in ("NAME", "EMAIL")
    }
    mypy = {"MYPY_CACHE_DIR": str(ROOT / ".mypy_cache")}
    return clean_environment() | {"PYTHONPATH": str(clone)} | who | mypy


def typed(command: str, clone: Path) -> list[str]:
    """Return the commands to run instead: the cloud on a free port, no setup, and part of `make check`."""
    if command == "make setup":
        return []
    if command == "dm local up":
        return [f"{command} --port 0"]
    return checks(clone) if command == "make check" else [command]


def checks(clone: Path) -> list[str]:
    """Return what `make check` runs, without the kernel's tests and the stacks' lint."""
    said = subprocess.run(
        ["make", "-n", "check"], cwd=clone, env=environment(clone), capture_output=True, text=True
    )
    kept = [line for line in said.stdout.splitlines() if re.match(r"\.venv/bin/(?!cfn-lint)", line)]
    assert [line.split()[0].rpartition("/")[2] for line in kept] == [
        "ruff", "mypy", "lint-imports", "yamllint", "dm", "dm",
    ]  # fmt: skip
    assert "contract gate" in kept[-1]
    return kept


def write(block: Written, clone: Path) -> None:
    """Write a file of the page, named in the paragraph before it; or replace an entry of the draft."""
    [name] = re.findall(r"`([\w./-]+\.(?:py|sql|yaml))`", block.before)
    file = clone / name
    if not block.text.startswith(" "):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)
        return
    column = block.text.splitlines(keepends=True)[0]
    mended, times = re.subn(rf"^{re.escape(column)}(?: {{8}}.*\n)*", block.text, file.read_text(), flags=re.M)
    assert times == 1, f"{name} has {times} entries such as {column}"
    file.write_text(mended)


def follow(reader: Shell, step: Step, clone: Path) -> str:
    """Type a step of the page: it must succeed and print what the page shows."""
    said = ""
    for command in typed(step.command, clone):
        printed, code = reader.type(command)
        said += printed
        assert code == 0, f"{command}\n{printed}"
        assert not re.search("^without ", printed, re.M), f"{command} lacks an input\n{printed}"
    rest = MOMENT.sub("then", squeezed(said))
    for line in step.shown:
        if line == "…":
            continue
        wanted = MOMENT.sub("then", squeezed(line))
        assert wanted in rest, f"{step.command}\ndoes not show: {wanted}\n{said}"
        rest = rest.partition(wanted)[2]
    return said


def truth(raw: Path) -> Mapping[tuple[int, int, str], tuple[int, int, Decimal | None, Decimal]]:
    """Compute gold from the raw files alone: the record with the highest place counts, in any order."""
    tables: dict[str, dict[object, dict[str, str]]] = {"station": {}, "bike": {}}
    for table, key in (("station", ("station_id",)), ("bike", ("city", "bike_no"))):
        for file in sorted(raw.glob(f"{table}/extract=*/*.csv")):
            with file.open(newline="") as lines:
                tables[table] |= {tuple(row[name] for name in key): row for row in csv.DictReader(lines)}
    records = [
        json.loads(line) for file in raw.glob("rental/*.json") for line in file.read_text().splitlines()
    ]
    last: dict[int, dict[str, object] | None] = {}
    for record in sorted(records, key=lambda record: int(json.loads(record["source"]["sequence"])[1])):
        last[(record["after"] or record["before"])["rental_id"]] = record["after"]
    groups = defaultdict(list)
    for rental in filter(None, last.values()):
        year, month = str(rental["rented_at"]).split("-")[:2]
        station = tables["station"][(str(rental["station_id"]),)]["station_name"]
        bike = tables["bike"][(rental["city"], str(rental["bike_no"]))]
        fee = Decimal(str(rental["fee"]))
        groups[int(year), int(month), station].append(
            (rental["rider_email"], bike["is_electric"] == "true", fee)
        )
    return {
        group: (
            len(rows),
            len({rider for rider, _, _ in rows}),
            sum(electric, Decimal(0))
            if (electric := [fee for _, is_electric, fee in rows if is_electric])
            else None,
            sum((fee for _, _, fee in rows), Decimal(0)),
        )
        for group, rows in groups.items()
    }


def gold(house: Lakehouse) -> Mapping[tuple[int, int, str], tuple[int, int, Decimal | None, Decimal]]:
    rows = [tuple(row.values()) for row in house.query("select * from gold.rentals_by_month")]
    return {row[:3]: row[3:] for row in rows}


def targets_of_ci(clone: Path) -> list[str]:
    """Return the make targets that `.ci/run` would run in the clone."""
    make = clone / ".dm/bin/make"
    make.parent.mkdir(parents=True)
    make.write_text('#!/bin/sh\necho "$@"\n')
    make.chmod(0o755)
    path = {"PATH": f"{make.parent}:{environment(clone)['PATH']}"}
    done = subprocess.run(
        ["bash", ".ci/run"],
        cwd=clone,
        env=environment(clone) | path,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_your_own_domain_replaces_the_example(clone: Path) -> None:
    with shell(clone, environment(clone)) as reader:
        for part in parts(PAGE.read_text()):
            if isinstance(part, Written):
                write(part, clone)
            else:
                follow(reader, part, clone)
        reader_env = dict(
            line.split("=", 1)
            for line in reader.type("env")[0].splitlines()
            if line.startswith(("AWS_", "DM_"))
        )
        house = Lakehouse(clone, reader_env)
        assert len(gold(house)) == 2
        assert gold(house) == truth(clone / ".dm/shop/raw")
        assert all(
            "@" not in row["rider_email"] for row in house.query("select rider_email from silver.rentals")
        )
        said, code = reader.type("dm --help; sqlfluff lint target/docs/compiled/lakehouse/models")
        assert code == 0, said
        assert "sample" not in said
    assert targets_of_ci(clone) == ["test", "check-infra"]
    ours = [
        file
        for folder in PLACES
        for file in (clone / folder).rglob("*")
        if file.suffix in (".yaml", ".yml", ".json", ".sql", ".html") and file.is_file()
    ]
    assert len(ours) > 50
    assert [str(file.relative_to(clone)) for file in ours if BEER.search(file.read_text())] == []
