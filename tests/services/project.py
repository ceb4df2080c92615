"""A dbt project of one table, `wine`, whose raw files a change capture writes."""

import gzip
import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lakehouse import BIN, ROOT, Lakehouse


class Project:
    """A dbt project of one table, drafted from records as the capture writes them."""

    def __init__(self, folder: Path, lakehouse: Lakehouse, records: Iterable[str]) -> None:
        self.folder, self.lakehouse = folder, lakehouse
        folder.mkdir()
        for name in ("macros", "profiles", "dbt_project.yml"):
            (folder / name).symlink_to(ROOT / name)
        sample = folder / "sample.json.gz"
        sample.write_bytes(packed(records))
        self.run("dm", "contract", "new", "bronze", "wine", "--from-file", str(sample))
        for path in [*folder.glob("contracts/*/*.yaml"), *folder.glob("models/silver/*.sql")]:
            path.write_text(as_decimal(path.read_text()))
        self.run("dm", "contract", "lint")
        self.run("dm", "contract", "sync")

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.lakehouse.env | {"DM_CONTRACTS": "contracts"},
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def silver(self, columns: str) -> list[tuple[Any, ...]]:
        """Ingest and build; return the rows of silver."""
        ran = json.loads(self.run("dm", "ingest", "run", "--until-idle", "--json"))
        assert ran["findings"] == []
        assert sum(batch["quarantined"] for batch in ran["batches"]) == 0
        self.run("dbt", "build", "--profiles-dir", "profiles", "--select", "wines_state+")
        rows = self.lakehouse.query(f"select {columns} from silver.wines order by 1")
        return [(*row.values(),) for row in rows]


def as_decimal(text: str) -> str:
    """Make the price exact in contracts and models: a draft types numbers as double and texts as string."""
    types = r"(name: price\s+)logicalType: \w+(\s+)physicalType: \w+"
    text = re.sub(types, r"\1logicalType: number\2physicalType: decimal(12,4)", text)
    return re.sub(r"cast\(price as \w+\)", "cast(price as decimal(12,4))", text)


def packed(lines: Iterable[str]) -> bytes:
    return gzip.compress("\n".join(lines).encode())
