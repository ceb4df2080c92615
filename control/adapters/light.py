"""The light engine: parses in this process, one file at a time; memory is bounded by block and row group."""

import errno
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from bronze import contract as contracts
from bronze import errors as bronze
from bronze.contract import BronzeContract
from bronze.parse import Source, compression_of
from bronze.parse import parse as parse_file
from bronze.tokens import key_name
from control.adapters import scratch
from control.errors import ContractError, UnavailableError, UsageError
from control.orders import FileReport, OrderFile, Report, WorkOrder, WrittenObject
from control.ports import ObjectStore
from control.serialization import to_json

READ_BYTES = 1 << 20
# If ENOSPC occurs with less than this free, the disk is full for any file; with more, only this file is too
# big.
SPARE_BYTES = 256 << 20
_MACHINE_ERRNOS = {errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE}


class LightEngine:
    """Parses in process; reads and writes objects through the object store."""

    def __init__(self, objects: ObjectStore, token_key: bytes) -> None:
        self._objects = objects
        self._token_key = token_key or None

    def run(self, order: WorkOrder, beat: Callable[[], None]) -> Report:
        """See Engine."""
        text = self._objects.get(order.contract).decode()
        try:
            contract = contracts.loads(text, order.contract)
        except bronze.ContractError as error:
            raise ContractError(str(error), hint=error.hint) from error
        name = key_name(self._token_key) if self._token_key else None
        report = Report(tuple(self._file(file, order, contract, beat) for file in order.files), name)
        self._objects.put(order.document("report.json"), to_json(report))
        return report

    def _file(
        self, file: OrderFile, order: WorkOrder, contract: BronzeContract, beat: Callable[[], None]
    ) -> FileReport:
        source = Source(
            file_id=file.file_id,
            epoch=file.epoch,
            extract=file.extract,
            format=file.format,
            compression=compression_of(file.uri),
            position=file.position,
            rekeyed=order.rekeyed,
        )
        with _machine_errors(), scratch.folder("dm-ingest-") as folder:
            try:
                with self._objects.open(file.uri, file.version_id, file.etag) as stream:
                    beating = cast(BinaryIO, io.BufferedReader(_Beating(stream, beat), READ_BYTES))
                    found = parse_file(
                        beating,
                        contract,
                        source,
                        folder,
                        token_key=self._token_key,
                        limits=replace(contract.limits, **order.limits),
                    )
            except bronze.BronzeError as error:
                raise UsageError(str(error), hint=error.hint) from error
            written = [
                self._upload(path, target, beat)
                for name, target in (
                    ("bronze", order.bronze),
                    ("events", order.events),
                    ("quarantine", order.quarantine),
                )
                for path in sorted((folder / name).glob("*"))
                for target in (f"{target}/{path.name}",)
            ]
        return FileReport(
            file_id=file.file_id,
            lines=found.lines,
            blank=found.blank,
            records=found.records,
            rows=found.rows,
            quarantined=found.quarantined,
            control=found.control,
            sha256=found.sha256,
            reasons=found.reasons,
            failure=found.failure,
            discarded=found.discarded,
            objects=tuple(written),
        )

    def _upload(self, path: Path, uri: str, beat: Callable[[], None]) -> WrittenObject:
        beat()
        self._objects.put(uri, path)
        return WrittenObject(uri, path.stat().st_size)


@contextmanager
def _machine_errors() -> Iterator[None]:
    """Raise UnavailableError, which ends the run, for errors that any other file would meet here as well."""
    hint = "free disk space, or set TMPDIR to another disk, then run again: no attempt was counted"
    try:
        place = tempfile.gettempdir()
    except FileNotFoundError as error:  # none of the usual folders is writable
        raise UnavailableError("no folder for temporary files can be written to", hint=hint) from error
    try:
        yield
    except OSError as error:
        full = error.errno == errno.ENOSPC and shutil.disk_usage(place).free < SPARE_BYTES
        if not full and error.errno not in _MACHINE_ERRNOS:
            raise
        said = os.strerror(error.errno or 0)
        raise UnavailableError(f"this machine cannot parse files in {place}: {said}", hint=hint) from error


class _Beating(io.RawIOBase):
    """A stream that calls `beat` on every read."""

    def __init__(self, stream: BinaryIO, beat: Callable[[], None]) -> None:
        super().__init__()
        self._stream = stream
        self._beat = beat

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._beat()
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)
