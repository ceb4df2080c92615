"""Draft contracts with `dm contract new` in the current folder."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
from click.testing import CliRunner, Result

from bronze.contract import load
from control.cli.main import dm


def zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content))


PACKED = {".gz": gzip.compress, ".zst": zstd, ".csv": bytes, ".json": bytes}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(dm, ["contract", *arguments])


def drafted(file: str, text: str) -> dict[str, tuple[str, bool]]:
    """Draft a contract from a raw file; return type and `required` of each column."""
    Path(file).write_bytes(PACKED[Path(file).suffix](text.encode()))
    result = run("new", "bronze", "wine", "--from-file", file)
    assert result.exit_code == 0, result.exception
    return {c.name: (c.type, c.required) for c in load(Path("contracts/bronze/wine.yaml")).columns}


def change(operation: str, **data: object) -> str:
    """Return a change record as DMS writes it."""
    metadata = {"record-type": "data", "operation": operation, "stream-position": "0/1A"}
    return json.dumps({"data": data, "metadata": metadata})
