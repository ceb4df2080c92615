"""Measure `dm contract gate` for 500 contracts of 200 columns, by how much has changed.

.venv/bin/python tests/bench/contract_gate.py
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS, COLUMNS = 500, 200
HEAD = (ROOT / "tests/control/contracts/gate/base/gold/sales_by_month.yaml").read_text()
PLAIN = """\
      - name: column_{i}
        logicalType: integer
        physicalType: {type}
        required: true
        primaryKey: {key}
        description: Value {i} of what is counted there.
        classification: public
"""
RULES = """\
        logicalTypeOptions:
          minimum: 0
          maximum: {i}
        tags: [money]
        quality:
          - type: library
            metric: invalidValues
            mustBe: 0
            dimension: conformity
            arguments:
              validValues: [1, 2, {i}]
        customProperties:
          - property: token
            value: true
"""


def contract(number: int, *, changed: int, ruled: bool) -> str:
    """Return a contract of 200 columns, the first `changed` of a new type; if `ruled`, a third have rules."""
    before, rest = HEAD.split("    properties:\n")
    after = rest[rest.index("customProperties:") :]
    columns = "".join(
        (PLAIN + (RULES if ruled and i % 3 == 0 else "")).format(
            i=i, type="bigint" if i < changed else "int", key=str(i == 0).lower()
        )
        for i in range(COLUMNS)
    )
    text = f"    properties:\n{columns}".join((before, after)).replace("sales_by_month", f"table_{number}")
    return text.replace("000000000104", f"{number:012}")


def tree(folder: Path, changed: int, *, contracts: int = CONTRACTS, ruled: bool = False) -> Path:
    (folder / "gold").mkdir(parents=True)
    for number in range(CONTRACTS):
        text = contract(number, changed=changed if number < contracts else 0, ruled=ruled)
        (folder / f"gold/table_{number}.yaml").write_text(text)
    return folder


def measured(base: Path, head: Path) -> str:
    """Return findings, seconds, CPU seconds and peak memory of one gate (of its process alone), as cells."""
    command = [
        "-m",
        "control.cli.main",
        "contract",
        "gate",
        "--base",
        str(base),
        "--head",
        str(head),
        "--json",
    ]
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=output)
        _, _, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begin
        output.seek(0)
        count = len(json.load(output)["findings"])
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    return f"{count:,} | {seconds:.1f} | {cpu:.1f} | {peak:.0f}"


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base, ruled = tree(folder / "base", 0), tree(folder / "base-ruled", 0, ruled=True)
        cases = {
            "one column of one contract": (base, tree(folder / "one", 1, contracts=1)),
            "one column of every contract": (base, tree(folder / "each", 1)),
            "every column of every contract": (base, tree(folder / "all", COLUMNS)),
            "the same, a third of the columns with rules": (
                ruled,
                tree(folder / "all-ruled", COLUMNS, ruled=True),
            ),
        }
        print("| what changed | findings | seconds | CPU s | MB |\n|---|---|---|---|---|")
        for what, (before, after) in cases.items():
            print(f"| {what} | {measured(before, after)} |", flush=True)


if __name__ == "__main__":
    main()
