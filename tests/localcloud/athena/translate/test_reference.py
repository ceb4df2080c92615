"""How much of Athena's function reference the local cloud has, and that each of its functions was verified.

Athena's reference points to Trino's. `reference.txt` lists the names that `SHOW FUNCTIONS` of Trino 476
shows, geospatial and machine learning included, and the functions that are syntax, such as CAST.
"""

import json
import re
from pathlib import Path

from localcloud.athena.translate.functions import calls  # noqa: F401  fills the list
from localcloud.athena.translate.functions.registry import FUNCTIONS

HERE = Path(__file__).parent
REFERENCE = set(HERE.joinpath("reference.txt").read_text().split())
# Translated as expressions, not as calls.
SYNTAX = {"cast", "try_cast", "extract", "current_date", "current_catalog", "current_schema", "current_user"}
PROBED = " ".join(
    json.loads(line)["sql"].lower()
    for path in HERE.joinpath("probes").glob("*.jsonl")
    for line in path.read_text().splitlines()
)


def test_seven_of_ten_functions_of_the_reference_are_known() -> None:
    known = {name for name in FUNCTIONS if not name.startswith("$")} | SYNTAX
    missing = sorted(REFERENCE - known)
    share = 1 - len(missing) / len(REFERENCE)
    assert share >= 0.7, (f"{share:.1%} of {len(REFERENCE)}", missing)
    assert known <= REFERENCE, sorted(known - REFERENCE)


def test_every_known_function_has_a_probe_answered_by_trino() -> None:
    unverified = [
        name
        for name in sorted(FUNCTIONS)
        if not name.startswith("$") and not re.search(rf"\b{name}\b\s*(?:\(|$|,)", PROBED)
    ]
    assert unverified == []
