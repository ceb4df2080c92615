"""Parse one raw file of an order with the bronze parser, so the rows are the same as without Spark."""

import dataclasses
import tempfile
from pathlib import Path

from bronze import contract as contracts
from bronze.parse import Source, compression_of, parse
from spark import storage
from spark.orders import FileReport, Order, OrderFile, WrittenObject


def parse_file(file: OrderFile, order: Order, contract: str, token_key: bytes | None) -> FileReport:
    """Parse `file` with the contract text `contract` and upload the results to the order's folders.

    Runs in an executor; idempotent.
    """
    source = Source(
        file_id=file.file_id,
        epoch=file.epoch,
        extract=file.extract,
        format=file.format,
        compression=compression_of(file.uri),
        position=file.position,
        rekeyed=order.rekeyed,
    )
    rules = contracts.loads(contract, order.contract)
    limits = dataclasses.replace(rules.limits, **order.limits)
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        with storage.stream(file.uri, file.version_id, file.etag) as stream:
            found = parse(stream, rules, source, Path(folder), token_key=token_key, limits=limits)
        objects = [
            _upload(path, f"{target}/{path.name}")
            for name, target in (
                ("bronze", order.bronze),
                ("events", order.events),
                ("quarantine", order.quarantine),
            )
            for path in sorted((Path(folder) / name).glob("*"))
        ]
    return FileReport(file_id=file.file_id, objects=tuple(objects), **dataclasses.asdict(found))


def _upload(path: Path, uri: str) -> WrittenObject:
    storage.upload(path, uri)
    return WrittenObject(uri, path.stat().st_size)
