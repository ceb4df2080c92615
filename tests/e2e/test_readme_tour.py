"""README's "Five minutes": what it tells a reader to type is typed, and what it shows is seen."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from lakehouse import BIN, ROOT, Lakehouse, attach, clean_environment
from told import Step, shell, squeezed, steps

DEMO = (".dm", "demo")
# A shortened file id and a line: other ones in each lakehouse.
RECORD = re.compile(r"\b[0-9a-f]{12}:2\b")


def promised(step: Step) -> list[str]:
    """What has to be in the output: a quotation whole, of a table its names (the values are of a day)."""
    if step.shown[:1] == ("…",):
        return [squeezed("\n".join(step.shown).strip("…"))]
    return [squeezed(line) for line in step.shown[:1]]


def typed(step: Step, record: str) -> str:
    """The command with the line that is held here, and a day that has not passed."""
    soon = date.today() + timedelta(days=30)
    return re.sub(r"--until \S+", f"--until {soon}", RECORD.sub(record, step.command))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Lakehouse]:
    """A clone in which `make demo` has run, but smaller: its cloud, both deliveries, built."""
    for path in ROOT.iterdir():
        if path.name not in (".dm", ".venv", ".git", "target", "logs"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / ".venv").symlink_to(BIN.parent)
    cloud = tmp_path.joinpath(*DEMO)
    house = Lakehouse(tmp_path, clean_environment())
    house.run("dm", "local", "up", "--dir", str(cloud), "--port", "0")
    try:
        house = attach(tmp_path, cloud)
        tmp_path.joinpath(".dm/demo-token-key").write_text(house.env["DM_TOKEN_KEY"])
        for delivery in ("1", "2"):
            house.run("dm", "sample", "land", "--rows", "20000", "--seed", "1", "--delivery", delivery)
        house.run("dm", "ingest", "run", "--until-idle")
        house.build()
        yield house
    finally:
        house.run("dm", "local", "reset", "--dir", str(cloud))


def test_what_the_reader_is_told_to_type_shows_what_is_shown(demo: Lakehouse) -> None:
    section = (ROOT / "README.md").read_text().partition("\n## Five minutes\n")[2].partition("\n## ")[0]
    tour = list(steps(section))
    assert len(tour) >= 10
    record = "the file's line"
    with shell(demo.folder, clean_environment()) as reader:
        for step in tour:
            said, _ = reader.type(typed(step, record))
            if found := RECORD.search(said):
                record = found[0]
            for wanted in promised(step):
                assert RECORD.sub("", wanted) in RECORD.sub("", squeezed(said)), step.command + "\n" + said
    demo.build()
    assert demo.query("select count(*) as n from silver.reviews where review_id = 900000001") == [{"n": 0}]
    assert demo.query("select count(*) as n from bronze.review where review_id = 900000001") == [{"n": 1}]
