"""Measure `dm lineage build` on a generated project: 1,000 models of 50 columns, then with one model changed.

Each model reads two earlier ones through three common table expressions, with a star, a join, a window and a
default for every second column. Usage:

    python tests/bench/lineage.py [--models 1000] [--columns 50]
"""

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DM = Path(sys.executable).parent / "dm"


def sql_of(number: int, columns: int, draw: random.Random) -> str:
    """Return the SQL of model `number`."""
    left, right = (f"gold.m{draw.randrange(number)}" if number else "bronze.origin" for _ in range(2))
    picked = ", ".join(
        f"coalesce(a.c{i}, b.c{i}) as c{i}" if i % 2 else f"cast(a.c{i} as bigint) as c{i}"
        for i in range(columns)
    )
    return (
        f"with a as (select * from {left} where c1 > 3), b as (select *, row_number() over "
        f"(partition by c1 order by c2) as place from {right}), joined as (select {picked} "
        "from a left join b on a.c1 = b.c1 and b.place = 1) select * from joined"
    )


def write(target: Path, models: int, columns: int, changed: int | None = None) -> None:
    """Write manifest.json and catalog.json; model `changed` gets another filter."""
    draw = random.Random(1)
    names = [f"c{i}" for i in range(columns)]
    table = {"columns": {name: {"name": name, "index": i, "type": "bigint"} for i, name in enumerate(names)}}
    nodes = {}
    for number in range(models):
        sql = sql_of(number, columns, draw)
        parents = sorted({f"model.p.{name}" for name in re.findall(r"gold\.(m\d+)", sql)})
        nodes[f"model.p.m{number}"] = {
            "resource_type": "model",
            "name": f"m{number}",
            "schema": "gold",
            "original_file_path": f"models/m{number}.sql",
            "compiled_code": sql + (" where c1 > 4" if number == changed else ""),
            "depends_on": {"nodes": parents or ["source.p.origin"]},
        }
    source = {"resource_type": "source", "name": "origin", "identifier": "origin", "schema": "bronze"}
    manifest = {"nodes": nodes, "sources": {"source.p.origin": source}}
    catalog = {"nodes": dict.fromkeys(nodes, table), "sources": {"source.p.origin": table}}
    (target / "manifest.json").write_text(json.dumps(manifest))
    (target / "catalog.json").write_text(json.dumps(catalog))


def measure(target: Path) -> tuple[float, float, str]:
    """Return wall and CPU seconds of one build, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    command = [str(DM), "lineage", "build", "--target", str(target), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def main() -> None:
    """Print the table of docs/figures.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--columns", type=int, default=50)
    said = parser.parse_args()
    print("| build | models traced | edges | wall s | CPU s |\n|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        for title, changed in (
            ("all models", None),
            ("nothing changed", None),
            ("one model changed", said.models // 2),
        ):
            write(target, said.models, said.columns, changed)
            wall, cpu, printed = measure(target)
            found = json.loads(printed)
            print(f"| {title} | {found['traced']:,} | {found['edges']:,} | {wall:.1f} | {cpu:.1f} |")


if __name__ == "__main__":
    main()
