"""Measure the bronze parser against Spark, polars and DuckDB on the same raw files, as whole processes.

    python tests/bench/bench_bronze.py [--rows 1586614] [--rounds 3] [--data DIR] [--only TEXT]

Engines take turns, so that other load on the machine affects all of them; each figure is the median of its
rounds. CPU is that of the whole process tree, memory its highest sum of PSS. Spark cold is a process up to
the end of its first file, warm the later files in the same process. Prints Markdown tables.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from raw_data import RawData, Shape

from control.adapters.java import spark_environment

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "contracts" / "bronze" / "review.yaml"
ROWS = 1_586_614
PARSER, SPARK, WITH_PARSER = "dm parse", "spark", "spark-with-parser"
SHAPES: tuple[Shape, ...] = ("csv", "json")
NAMES = {"csv": "CSV", "json": "change records"}


@dataclass(frozen=True, slots=True)
class Run:
    """The cost of one file: seconds of wall and CPU, bytes of memory and of Parquet."""

    wall: float
    cpu: float
    peak: int
    written: int


@dataclass(frozen=True, slots=True)
class Bench:
    """Where to run, and how often."""

    folder: Path
    environment: dict[str, str]
    rounds: int

    def parser(self, file: Path, contract: Path = CONTRACT) -> list[Run]:
        """Run `dm parse` in a separate process."""
        dm = Path(sys.executable).with_name("dm")
        return self._measured(
            [
                str(dm),
                "parse",
                str(file),
                "--contract",
                str(contract),
                "--out",
                str(self.folder / "out"),
                "--json",
            ]
        )

    def engine(self, name: str, file: Path, times: int = 1) -> list[Run]:
        """Run another engine on the file, `times` times in one process; return each run's figures."""
        script = str(Path(__file__).with_name("engines.py"))
        command = [sys.executable, script, name, str(file), str(self.folder / "out"), "--times", str(times)]
        return self._measured(command, several=True)

    def _measured(self, command: list[str], *, several: bool = False) -> list[Run]:
        out, log = self.folder / "out", self.folder / "log"
        shutil.rmtree(out, ignore_errors=True)
        began = time.time()
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env={**self.environment, "BENCH_BEGAN": repr(began)},
            )
            with Watch(process.pid) as watch:
                assert process.stdout is not None
                printed = process.stdout.read()
                _, status, usage = os.wait4(process.pid, 0)
                wall = time.time() - began
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            print(
                f"{command[1:4]} failed: {log.read_bytes()[-300:].decode(errors='replace')}", file=sys.stderr
            )
            return []
        written = sum(path.stat().st_size for path in out.rglob("*.parquet"))
        runs = json.loads(printed.splitlines()[-1]) if several else [{}]
        whole = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime}
        return [Run(**{**whole, **run}, peak=watch.peak, written=written) for run in runs]


class Watch:
    """Samples the memory of a process and its descendants while the block runs.

    For a process without descendants, the kernel's own high-water mark is used, which misses nothing. (The
    peak memory of `wait4` includes that of the process that started it.)
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.02):
            tree = list(_tree(self._pid))
            memory = _highest(self._pid) if len(tree) == 1 else sum(map(_pss, tree))
            self.peak = max(self.peak, memory)
            if len(tree) > 1:
                self._ended.wait(0.3)  # sampling slows a JVM down


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for child in " ".join(children).split():
        yield from _tree(int(child))


def _pss(pid: int) -> int:
    return _entry(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _highest(pid: int) -> int:
    return _entry(Path(f"/proc/{pid}/status"), "VmHWM:")


def _entry(path: Path, name: str) -> int:
    """Return the bytes that `path` gives under `name`; 0 if the process has ended."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(name)), 0)


Figures = dict[str, list[Run]]


def turns(bench: Bench, competitors: dict[str, Callable[[], list[Run]]]) -> Figures:
    """Run the competitors in turn. The first file of a process counts as cold, the others as warm."""
    found: Figures = defaultdict(list)
    for number in range(bench.rounds):
        for name, run in competitors.items():
            print(f"  round {number + 1}: {name}", file=sys.stderr, flush=True)
            first, *others = run() or [None]
            if first:
                found[name].append(first)
            found[f"{name}, warm"] += others
    return {name: runs for name, runs in found.items() if runs}


def middle(runs: Sequence[Run]) -> Run:
    """Return the median of each figure."""
    return Run(
        median(run.wall for run in runs),
        median(run.cpu for run in runs),
        int(median(run.peak for run in runs)),
        int(median(run.written for run in runs)),
    )


def print_table(title: str, figures: Figures) -> None:
    """Print one row per engine, with multiples of the parser's figures."""
    ours = middle(figures[PARSER])
    print(f"\n{title}\n")
    print("| engine | wall s | CPU s | peak MB | written MB | wall x | CPU x |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, runs in figures.items():
        run = middle(runs)
        sizes = f"{run.peak / 1e6:.0f} | {run.written / 1e6:.2f}"
        ratios = f"{run.wall / ours.wall:.1f} | {run.cpu / ours.cpu:.1f}"
        print(f"| {name} | {run.wall:.2f} | {run.cpu:.2f} | {sizes} | {ratios} |", flush=True)


def large_files(bench: Bench, data: RawData) -> None:
    """Measure the file of all reviews, clean and with one bad line in a thousand."""
    for shape in SHAPES:
        clean, bad = data.clean(shape), data.bad(shape)
        figures = turns(
            bench,
            {
                PARSER: lambda clean=clean: bench.parser(clean),
                f"{PARSER}, 0.1 % bad": lambda bad=bad: bench.parser(bad),
                "duckdb": lambda clean=clean: bench.engine("duckdb", clean),
                "polars": lambda clean=clean: bench.engine("polars", clean),
                SPARK: lambda clean=clean: bench.engine(SPARK, clean, times=2),
                f"{SPARK}, 0.1 % bad": lambda bad=bad: bench.engine(SPARK, bad),
                WITH_PARSER: lambda clean=clean: bench.engine(WITH_PARSER, clean, times=2),
            },
        )
        print_table(f"{data.rows:,} reviews as {NAMES[shape]}", figures)


def debezium_file(bench: Bench, data: RawData) -> None:
    """Measure the same changes as DMS and as Debezium write them."""
    contract = bench.folder / "review.yaml"
    of_table = "    customProperties:\n"
    said = f"{of_table}      - property: records\n        value: debezium\n"
    contract.write_text(CONTRACT.read_text().replace(of_table, said, 1))
    dms, debezium = data.clean("json"), data.clean("debezium")
    figures = turns(
        bench,
        {
            PARSER: lambda: bench.parser(dms),
            f"{PARSER}, Debezium's": lambda: bench.parser(debezium, contract),
        },
    )
    print_table(f"{data.rows:,} reviews as change records of DMS and of Debezium", figures)


def small_files(bench: Bench, folder: Path) -> None:
    """Measure files as a stream delivers them, where start-up is most of the work."""
    for rows in (100, 10_000, 100_000):
        for shape in SHAPES:
            file = RawData(folder, rows).clean(shape)
            figures = turns(
                bench,
                {
                    PARSER: lambda file=file: bench.parser(file),
                    "duckdb": lambda file=file: bench.engine("duckdb", file),
                    "polars": lambda file=file: bench.engine("polars", file),
                },
            )
            print_table(f"{rows:,} reviews as {NAMES[shape]}", figures)


def largest_file(bench: Bench, data: RawData) -> None:
    """Measure a file whose content is far larger than the memory that the parser may use."""
    size = (1 << 30) * data.rows // ROWS
    file = data.large(size)
    figures = turns(
        replace(bench, rounds=1),
        {
            PARSER: lambda: bench.parser(file),
            "duckdb": lambda: bench.engine("duckdb", file),
            "polars": lambda: bench.engine("polars", file),
        },
    )
    print_table(f"CSV that inflates to {size / 1e6:,.0f} MB", figures)


def main() -> None:
    """Create missing data, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=ROWS, help="reviews in the large files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="folder to keep the raw files in, for the next time")
    parser.add_argument("--only", choices=["large", "debezium", "small", "largest"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-bronze-") as folder:
        data = options.data or Path(folder)
        data.mkdir(parents=True, exist_ok=True)
        environment = spark_environment(os.environ, Path(folder) / "java")
        paths = (str(ROOT), environment.get("PYTHONPATH", ""))
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        # Python compiles a module once, as where it is installed; not into the source tree.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "compiled")
        bench = Bench(Path(folder), environment, options.rounds)
        raw = RawData(data, options.rows)
        parts = {
            "large": lambda: large_files(bench, raw),
            "debezium": lambda: debezium_file(bench, raw),
            "small": lambda: small_files(bench, data),
            "largest": lambda: largest_file(bench, raw),
        }
        for shape in SHAPES:  # compiles the imported modules
            file = RawData(data, 100).clean(shape)
            for run in (
                bench.parser,
                lambda it: bench.engine("duckdb", it),
                lambda it: bench.engine("polars", it),
            ):
                run(file)
        print(f"Load average at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
        for name, measure in parts.items():
            if options.only in (None, name):
                measure()
        print(f"\nLoad average at the end: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
