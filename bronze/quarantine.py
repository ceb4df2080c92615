"""Refused records, written to disk as they come: memory does not grow when every line is bad.

An entry has all that it takes to judge the record again by another contract or parser (see `replay_lines`).
"""

import base64
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal

# Distinct reason codes that are counted by name; they can hold keys of the raw file, so there is no end of
# them. What comes later counts as `other`, and stands in the file by its own name.
_COUNTED_REASONS = 200
_REASON_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """The raw file that a record came in: its id, epoch, extract and shape.

    `position` is that of its snapshot as written in `_BEGIN`, None outside of a reload.
    """

    file_id: str
    epoch: int
    extract: int
    format: Literal["csv", "json", "begin", "complete"]
    position: str | None = None


class Quarantine:
    """Writes one JSON object a line to `path`, which is created by the first refusal."""

    def __init__(self, path: Path, origin: Origin, contract_version: str) -> None:
        self._path = path
        self._origin = _said(origin)
        self._contract_version = contract_version
        self._file: BinaryIO | None = None
        self._encode: Callable[[object], bytes]
        self.count = self.bytes = 0
        self.reasons: dict[str, int] = {}

    def refuse(
        self,
        reason: str,
        raw: bytes,
        *,
        line: int,
        offset: int,
        record: int = 0,
        length: int | None = None,
        origin: Origin | None = None,
    ) -> None:
        """Keep one record: where it stood and its bytes. `length` is given when `raw` is only its start.

        `origin` is given when the record came in another file than this quarantine's own.
        """
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
        self._write(entry, self._origin if origin is None else _said(origin))

    def refuse_file(self, reason: str, detail: str) -> None:
        """Add the entry that stands for the whole file: line 0, with the words in `detail`."""
        entry = {"line": 0, "record": 0, "offset": 0, "reason": reason, "raw": "", "detail": detail}
        self._write(entry, self._origin)

    def close(self) -> None:
        """Finish the file, if there is one."""
        if self._file:
            self._file.close()

    def _write(self, entry: dict[str, object], origin: dict[str, object]) -> None:
        if self._file is None:
            import msgspec  # 20 ms that an extract without refusals does not need

            self._encode = msgspec.json.Encoder().encode
            self._file = self._path.open("wb")
        entry |= origin
        entry["contract_version"] = self._contract_version
        self.bytes += self._file.write(self._encode(entry) + b"\n")


def _said(origin: Origin) -> dict[str, object]:
    return {name: value for name, value in asdict(origin).items() if value is not None}
