"""Every recorded probe through both gateways: Trino gives the recorded answer, and DuckDB gives Trino's."""

import json
import math
import os
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from clouds import Clouds
from gateway import Gateway

from localcloud.athena.engines.trino.values import table
from localcloud.athena.types import parse
from localcloud.athena.values import texts

FOLDER = Path(__file__).resolve().parents[1] / "localcloud/athena/translate/probes"
TOPICS = (os.environ.get("TOPICS") or "").split() or sorted(path.stem for path in FOLDER.glob("*.jsonl"))
REFUSALS = ("FUNCTION_NOT_FOUND", "NOT_SUPPORTED")


def _probes(topic: str) -> list[dict[str, Any]]:
    lines = FOLDER.joinpath(f"{topic}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line]


def _recorded(probe: dict[str, Any]) -> list[list[str | None]]:
    """Return the recorded rows as Athena prints them."""
    types = [parse(text) for text in probe["types"]]
    names = [str(at) for at in range(len(types))]
    found = table(names, types, [probe["rows"]] if probe["rows"] else [])
    columns = [texts(found.column(at), type_).to_pylist() for at, type_ in enumerate(types)]
    return [list(row) for row in zip(*columns, strict=True)]


def _shown(found: dict[str, Any]) -> list[list[str | None]]:
    rows = found["ResultSet"]["Rows"][1:]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows]


def _same(mine: str | None, theirs: str | None) -> bool:
    """Equal, except for the last digits of floating-point functions, which libraries round differently."""
    if mine == theirs or mine is None or theirs is None:
        return mine == theirs
    try:
        return math.isclose(float(mine), float(theirs), rel_tol=1e-14)
    except ValueError:
        return False


def _rows_differ(mine: list[list[str | None]], theirs: list[list[str | None]]) -> bool:
    if [len(row) for row in mine] != [len(row) for row in theirs]:
        return True
    pairs = zip(chain(*mine), chain(*theirs), strict=True)
    return not all(_same(one, other) for one, other in pairs)


def _outcome(found: dict[str, Any]) -> str:
    return str(found.get("error", "an answer"))


def _code(error: str) -> str:
    """Return the code of an error; what the API refuses to start is a syntax error."""
    code = error.partition(":")[0]
    return "SYNTAX_ERROR" if code == "InvalidRequestException" else code


def _is_refusal(mine: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Return whether DuckDB's cloud refuses by name what Trino answers, or refuses for another reason."""
    code = _code(mine.get("error", ""))
    return code in REFUSALS and code != _code(theirs.get("error", ""))


def _against_the_record(found: dict[str, Any], probe: dict[str, Any]) -> str:
    if "error" in found or "error" in probe:
        same = _code(found.get("error", "")) == probe.get("error", "")
        return "" if same else f"{_outcome(found)}, recorded {_outcome(probe)}"
    if _rows_differ(_shown(found), _recorded(probe)):
        return f"{_shown(found)}, recorded {_recorded(probe)}"
    return ""


def _of_duckdb(mine: dict[str, Any], theirs: dict[str, Any]) -> str:
    if "error" in mine or "error" in theirs:
        same = _code(mine.get("error", "")) == _code(theirs.get("error", ""))
        return "" if same else f"{_outcome(mine)} of duckdb, {_outcome(theirs)} of trino"
    told = [one["ResultSet"]["ResultSetMetadata"]["ColumnInfo"] for one in (mine, theirs)]
    if told[0] != told[1]:
        return f"columns {told[0]} of duckdb, {told[1]} of trino"
    if _rows_differ(_shown(mine), _shown(theirs)):
        return f"{_shown(mine)} of duckdb, {_shown(theirs)} of trino"
    return ""


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.timeout(3600)
def test_every_probe_has_the_recorded_answer_on_trino_and_the_same_on_duckdb(
    clouds: Clouds, topic: str
) -> None:
    duckdb, trino = (Gateway(house) for house in clouds.both)
    counts: Counter[str] = Counter()
    different = []
    for number, probe in enumerate(_probes(topic), 1):
        sql = probe["sql"]
        theirs, mine = trino.results(sql), duckdb.results(sql)
        unasked = "in the local cloud" in theirs.get("error", "")  # refused by the gateway before Trino
        refused = unasked or _is_refusal(mine, theirs)
        found = [] if unasked else [_against_the_record(theirs, probe)]
        found += [] if refused else [_of_duckdb(mine, theirs)]
        counts.update(["refused" if refused else "different" if any(found) else "equal"])
        different += [f"{topic} {number}: {sql}\n  {text}" for text in found if text]
    print(f"{topic}: {dict(counts)}")
    assert different == [], "\n" + "\n".join(different)
