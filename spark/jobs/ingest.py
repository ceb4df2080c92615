"""Ingest batches: `spark-submit spark/jobs/ingest.py --order URI --report URI`, both once per batch.

Reads the orders, parses each raw file in a task of its own, and writes the reports last: if a report exists,
so does everything that it names. The key of personal tokens comes from the environment (DM_TOKEN_KEY).
"""

import argparse
import os
import sys
from collections.abc import Sequence

from pyspark import SparkContext

from bronze.errors import BronzeError
from bronze.tokens import key_name
from spark import storage
from spark.errors import JobError
from spark.orders import FileReport, OrderFile, Report, Work, order_from, report_text
from spark.transforms.parse_file import parse_file


def main(arguments: Sequence[str]) -> int:
    """Run the job; return 0 if the reports were written, 1 if an order cannot be carried out."""
    options = _options(arguments)
    try:
        works = [_work(uri) for uri in options.order]
        reports = transform(works, os.environ.get("DM_TOKEN_KEY", "").encode() or None)
        for uri, report in zip(options.report, reports, strict=True):
            storage.write(uri, report_text(report))
    except (JobError, BronzeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _work(uri: str) -> Work:
    order = order_from(storage.read(uri), uri)
    return Work(order, storage.read(order.contract).decode())


def transform(works: Sequence[Work], token_key: bytes | None) -> list[Report]:
    """Parse the files of all orders, one task per file; return one report per order."""

    def task(asked: tuple[OrderFile, Work]) -> FileReport:
        file, work = asked
        return parse_file(file, work.order, work.contract, token_key)

    asked = [(file, work) for work in works for file in work.order.files]
    context = SparkContext.getOrCreate()
    context.setJobDescription(
        "ingest " + ", ".join(f"{work.order.table} {work.order.attempt}" for work in works)[:200]
    )
    try:
        done = iter(context.parallelize(asked, max(1, len(asked))).map(task).collect())
    finally:
        context.stop()
    name = key_name(token_key) if token_key else None
    return [Report(tuple(next(done) for _ in work.order.files), name) for work in works]


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Ingest batches of raw files into bronze.",
        epilog="example: spark-submit spark/jobs/ingest.py --order s3://lake/o.json --report s3://lake/r.json",
    )
    again = "again for each further batch"
    parser.add_argument(
        "--order", required=True, action="append", help=f"URI of the order, s3://… or file:///…; {again}"
    )
    parser.add_argument(
        "--report", required=True, action="append", help=f"URI of the report to write; {again}"
    )
    found = parser.parse_args(arguments)
    if len(found.order) != len(found.report):
        parser.error("give one --report for each --order")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
