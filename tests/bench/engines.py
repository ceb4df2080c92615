"""Convert one raw file of reviews to Parquet with other engines' own readers, and with our Spark job.

    python tests/bench/engines.py ENGINE FILE OUT [--times N]

Each reads typed columns in one pass and handles bad values in its own way: Spark keeps them in a column
beside the row, polars and DuckDB make them null or drop them. Prints, as JSON, for each of N runs in one
process the seconds of wall and CPU since the previous run, or since the process began.
"""

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

COLUMNS = {
    "review_id": "bigint", "brewery_id": "bigint", "beer_id": "bigint", "profile_id": "bigint",
    "review_overall": "double", "review_aroma": "double", "review_appearance": "double",
    "review_palate": "double", "review_taste": "double", "review_time": "bigint",
}  # fmt: skip
METADATA = {
    "operation": "string",
    "commit-timestamp": "timestamp",
    "stream-position": "string",
    "transaction-record-id": "bigint",
}
CONTRACT = Path(__file__).parents[2] / "contracts" / "bronze" / "review.yaml"
TICKS = os.sysconf("SC_CLK_TCK")

Job = Callable[[Path, Path], None]


def duckdb_job(file: Path, out: Path) -> None:
    """Use DuckDB, which skips lines that it cannot read."""
    import duckdb

    types = {"bigint": "BIGINT", "double": "DOUBLE", "string": "VARCHAR", "timestamp": "TIMESTAMPTZ"}
    out.mkdir()
    target = f"TO '{out}/rows.parquet' (FORMAT parquet)"
    if ".csv" in file.name:
        columns = {name: types[kind] for name, kind in COLUMNS.items()}
        duckdb.sql(
            f"COPY (SELECT * FROM read_csv('{file}', header = true, columns = {columns}, "
            f"ignore_errors = true)) {target}"
        )
        return
    data = ", ".join(f'"{name}" {types[kind]}' for name, kind in COLUMNS.items())
    metadata = ", ".join(f'"{name}" {types[kind]}' for name, kind in METADATA.items())
    duckdb.sql(
        f"COPY (SELECT data.*, metadata.* FROM read_json('{file}', format = 'newline_delimited', "
        f"columns = {{data: 'STRUCT({data})', metadata: 'STRUCT({metadata})'}}, ignore_errors = true)) "
        f"{target}"
    )


def polars_job(file: Path, out: Path) -> None:
    """Use polars, which makes unreadable CSV values null and cannot skip broken JSON."""
    import polars

    types = {
        "bigint": polars.Int64,
        "double": polars.Float64,
        "string": polars.String,
        "timestamp": polars.String,
    }
    out.mkdir()
    columns = {name: types[kind] for name, kind in COLUMNS.items()}
    if ".csv" in file.name:
        frame = polars.scan_csv(file, schema=columns, ignore_errors=True, truncate_ragged_lines=True)
    else:
        metadata = {name: types[kind] for name, kind in METADATA.items()}
        schema = {"data": polars.Struct(columns), "metadata": polars.Struct(metadata)}
        frame = polars.scan_ndjson(file, schema=schema, ignore_errors=True).unnest("data", "metadata")
        frame = frame.with_columns(polars.col("commit-timestamp").str.to_datetime(time_zone="UTC"))
    frame.sink_parquet(out / "rows.parquet")


def spark_session() -> Any:
    """Return a quiet session on both cores, sized like the machine of a small job."""
    from pyspark.sql import SparkSession

    settings = {"spark.ui.enabled": "false", "spark.log.level": "ERROR", "spark.driver.memory": "2g"}
    builder = SparkSession.builder.master("local[*]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def spark_job() -> Job:
    """Return a job with Spark's own readers; unreadable records go to a column of their own."""
    spark = spark_session()

    def job(file: Path, out: Path) -> None:
        columns = ", ".join(f"`{name}` {kind}" for name, kind in COLUMNS.items())
        broken = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_broken"}
        if ".csv" in file.name:
            rows = (
                spark.read.schema(f"{columns}, `_broken` string")
                .options(header=True, **broken)
                .csv(str(file))
            )
        else:
            metadata = ", ".join(f"`{name}`: {kind}" for name, kind in METADATA.items())
            data = ", ".join(f"`{name}`: {kind}" for name, kind in COLUMNS.items())
            schema = f"data struct<{data}>, metadata struct<{metadata}>, `_broken` string"
            rows = spark.read.schema(schema).options(**broken).json(str(file))
            rows = rows.select("data.*", "metadata.*", "_broken")
        rows.write.parquet(str(out))

    return job


def spark_with_parser_job() -> Job:
    """Return the job that `dm ingest run` submits, in a session that is already open."""
    from spark.orders import Order, OrderFile
    from spark.transforms.parse_file import parse_file

    context = spark_session().sparkContext

    def job(file: Path, out: Path) -> None:
        shape = "csv" if ".csv" in file.name else "json"
        files = (OrderFile("file", file.resolve().as_uri(), None, 1, 1, shape),)
        folders = {name: (out / name).resolve().as_uri() for name in ("bronze", "events", "quarantine")}
        order = Order("review", "attempt", CONTRACT.as_uri(), files, **folders)
        text = CONTRACT.read_text()
        context.parallelize(files, 1).map(lambda it: parse_file(it, order, text, None)).collect()

    return job


ENGINES: dict[str, Callable[[], Job]] = {
    "duckdb": lambda: duckdb_job,
    "polars": lambda: polars_job,
    "spark": spark_job,
    "spark-with-parser": spark_with_parser_job,
}


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and its descendants that live or were waited for."""
    parents: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (stat := _stat(folder)):
            pid = int(folder.name)
            parents.setdefault(int(stat[1]), []).append(pid)
            ticks[pid] = sum(map(int, stat[11:15]))
    return sum(ticks[pid] for pid in _family(os.getpid(), parents)) / TICKS


def _stat(folder: Path) -> list[str]:
    try:
        return (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []  # it has ended meanwhile


def _family(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in children.get(pid, []):
        yield from _family(child, children)


def main() -> None:
    """Run, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--times", type=int, default=1)
    options = parser.parse_args()
    runs = []
    began = float(os.environ["BENCH_BEGAN"])
    spent = 0.0
    job = ENGINES[options.engine]()
    for _ in range(options.times):
        shutil.rmtree(options.out, ignore_errors=True)
        job(options.file, options.out)
        now, used = time.time(), cpu_seconds()
        runs.append({"wall": now - began, "cpu": used - spent})
        began, spent = now, used
    print(json.dumps(runs), flush=True)
    if options.engine.startswith("spark"):
        spark_session().stop()


if __name__ == "__main__":
    main()
