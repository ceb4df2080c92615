"""README's "Five minutes": the commands are typed, and the output must be what the README shows."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import loaded_dbt
import pytest
from lakehouse import BIN, ROOT, Lakehouse, attach, clean_environment
from page_steps import Step, shell, squeezed, steps

DEMO = (".dm", "demo")
# A shortened file id and a line, which differ in each lakehouse.
RECORD = re.compile(r"\b[0-9a-f]{12}:2\b")


def promised(step: Step) -> list[str]:
    """Return what the output must contain: a quotation in full; of a table its header, as values vary."""
    if step.shown[:1] == ("…",):
        return [squeezed("\n".join(step.shown).strip("…"))]
    return [squeezed(line) for line in step.shown[:1]]


def typed(step: Step, record: str) -> str:
    """Return the command with the record that is held here, and a date in the future."""
    soon = date.today() + timedelta(days=30)
    return re.sub(r"--until \S+", f"--until {soon}", RECORD.sub(record, step.command))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Lakehouse]:
    """Return a clone in which a smaller `make demo` has run: its cloud, both deliveries, built."""
    for path in ROOT.iterdir():
        if path.name not in (".dm", ".venv", ".git", "target", "logs"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / ".venv").symlink_to(BIN.parent)
    cloud = tmp_path.joinpath(*DEMO)
    house = Lakehouse(tmp_path, clean_environment())
    house.run("dm", "local", "up", "--dir", str(cloud), "--port", "0")
    try:
        house = replace(attach(tmp_path, cloud), dbt=loaded_dbt.run)
        tmp_path.joinpath(".dm/demo-token-key").write_text(house.env["DM_TOKEN_KEY"])
        for delivery in ("1", "2"):
            house.run("dm", "sample", "land", "--rows", "20000", "--seed", "1", "--delivery", delivery)
        house.run("dm", "ingest", "run", "--until-idle")
        house.build()
        yield house
    finally:
        house.run("dm", "local", "reset", "--dir", str(cloud))


def test_the_commands_of_the_tour_print_what_the_readme_shows(demo: Lakehouse) -> None:
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
