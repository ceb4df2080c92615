"""Refused records, written to disk as they come: memory does not grow when every line is bad."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

# Distinct reason codes that are counted by name; they can hold keys of the raw file, so there is no end of
# them. What comes later counts as `other`, and stands in the file by its own name.
_COUNTED_REASONS = 200
_REASON_CHARACTERS = 200


class Quarantine:
    """Writes one JSON object a line to `path`, which is created by the first refusal."""

    def __init__(self, path: Path, file_id: str, contract_version: str) -> None:
        self._path = path
        self._file_id = file_id
        self._contract_version = contract_version
        self._file: BinaryIO | None = None
        self._encode: Callable[[object], bytes]
        self.count = 0
        self.reasons: dict[str, int] = {}

    def refuse(
        self, reason: str, raw: bytes, *, line: int, offset: int, record: int = 0, length: int | None = None
    ) -> None:
        """Keep one record: where it stood and its bytes. `length` is given when `raw` is only its start."""
        reason = reason[:_REASON_CHARACTERS]
        self.count += 1
        counted = reason if reason in self.reasons or len(self.reasons) < _COUNTED_REASONS else "other"
        self.reasons[counted] = self.reasons.get(counted, 0) + 1
        entry: dict[str, object] = {"line": line, "record": record, "offset": offset, "reason": reason}
        if length is not None:
            entry["length"] = length
        try:
            entry["raw"] = raw.decode()
        except UnicodeDecodeError:
            entry["raw_base64"] = base64.b64encode(raw).decode()
        self._write(entry)

    def refuse_file(self, reason: str, detail: str) -> None:
        """Add the entry that stands for the whole file: line 0, with the words in `detail`."""
        self._write({"line": 0, "record": 0, "offset": 0, "reason": reason, "raw": "", "detail": detail})

    def close(self) -> None:
        """Finish the file, if there is one."""
        if self._file:
            self._file.close()

    def _write(self, entry: dict[str, object]) -> None:
        if self._file is None:
            import msgspec  # 20 ms that an extract without refusals does not need

            self._encode = msgspec.json.Encoder().encode
            self._file = self._path.open("wb")
        entry["file_id"] = self._file_id
        entry["contract_version"] = self._contract_version
        self._file.write(self._encode(entry) + b"\n")
