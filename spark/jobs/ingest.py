"""Ingest one batch: `spark-submit spark/jobs/ingest.py --order URI --report URI`.

Reads the order, parses each of its raw files in a task of its own, and writes the report last: a report means
that everything it names is there. The key of personal tokens comes by the environment (DM_TOKEN_KEY).
"""

import argparse
import os
import sys
from collections.abc import Sequence

from pyspark import SparkContext

from bronze.errors import BronzeError
from spark import storage
from spark.errors import JobError
from spark.orders import FileReport, Order, OrderFile, Report, order_from, report_text
from spark.transforms.parse_file import parse_file


def main(arguments: Sequence[str]) -> int:
    """Run the job; 0 when the report is written, 1 when the order cannot be carried out."""
    options = _options(arguments)
    try:
        order = order_from(storage.read(options.order), options.order)
        contract = storage.read(order.contract).decode()
        report = transform(order, contract, os.environ.get("DM_TOKEN_KEY", "").encode() or None)
        storage.write(options.report, report_text(report))
    except (JobError, BronzeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def transform(order: Order, contract: str, token_key: bytes | None) -> Report:
    """Parse the files of `order`, one task each, on as many executors as there are."""

    def task(file: OrderFile) -> FileReport:
        return parse_file(file, order, contract, token_key)

    context = SparkContext.getOrCreate()
    context.setJobDescription(f"ingest {order.table} {order.attempt}")
    try:
        files = context.parallelize(order.files, max(1, len(order.files))).map(task).collect()
    finally:
        context.stop()
    return Report(tuple(files))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ingest one batch of raw files into bronze.")
    parser.add_argument("--order", required=True, help="URI of the order, s3://… or file:///…")
    parser.add_argument("--report", required=True, help="URI of the report to write")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
