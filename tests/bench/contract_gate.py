"""How long `dm contract gate` takes for 500 contracts of 200 columns, by how much has changed.

.venv/bin/python tests/bench/contract_gate.py
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS, COLUMNS = 500, 200
HEAD = (ROOT / "tests/control/contracts/gate/base/gold/sales_by_month.yaml").read_text()


def contract(number: int, *, changed: int) -> str:
    """A contract of 200 columns, the first `changed` of them with another type."""
    before, rest = HEAD.split("    properties:\n")
    after = rest[rest.index("customProperties:") :]
    columns = "".join(
        f"      - name: column_{i}\n        logicalType: integer\n"
        f"        physicalType: {'bigint' if i < changed else 'int'}\n        required: true\n"
        f"        primaryKey: {str(i == 0).lower()}\n"
        f"        description: Value {i} of what is counted there.\n        classification: public\n"
        for i in range(COLUMNS)
    )
    name = f"    properties:\n{columns}".join((before, after)).replace("sales_by_month", f"table_{number}")
    return name.replace("000000000104", f"{number:012}")


def tree(folder: Path, changed: int, *, contracts: int = CONTRACTS) -> Path:
    (folder / "gold").mkdir(parents=True)
    for number in range(CONTRACTS):
        text = contract(number, changed=changed if number < contracts else 0)
        (folder / f"gold/table_{number}.yaml").write_text(text)
    return folder


def cpu_seconds() -> float:
    """Processor time of the processes started so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print a table of seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = tree(folder / "base", 0)
        heads = {
            "one column of one contract": tree(folder / "one", 1, contracts=1),
            "one column of every contract": tree(folder / "each", 1),
            "every column of every contract": tree(folder / "all", COLUMNS),
        }
        print("| what changed | findings | seconds | CPU s |\n|---|---|---|---|")
        for what, head in heads.items():
            begin, used = time.perf_counter(), cpu_seconds()
            command = ["-m", "control.cli.main", "contract", "gate", "--base", base, "--head", head, "--json"]
            done = subprocess.run(
                [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
            )
            seconds = time.perf_counter() - begin
            count = len(json.loads(done.stdout)["findings"])
            print(f"| {what} | {count:,} | {seconds:.1f} | {cpu_seconds() - used:.1f} |")


if __name__ == "__main__":
    main()
