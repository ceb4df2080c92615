"""Write refused records to disk as they occur, so that memory does not grow if every line is bad.

An entry has everything needed to parse the record again with another contract or parser (see `replay_lines`).
"""

import base64
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal

# Distinct reason codes that are counted by name. They may contain keys of the raw file, so their number is
# unbounded. Further ones are counted as `other`; their entries still have the full code.
_COUNTED_REASONS = 200
_REASON_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """The raw file of a record: its id, epoch, extract and format.

    `position` is its snapshot position as written in `_BEGIN`, None outside of a reload.
    """

    file_id: str
    epoch: int
    extract: int
    format: Literal["csv", "json", "begin", "complete"]
    position: str | None = None


class Quarantine:
    """Writes one JSON object per line to `path`, which is created at the first refusal."""

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
        """Write one record: its position and bytes. `length` is given if `raw` is only its start.

        `origin` is given if the record came from another file than the one being parsed.
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
        """Write the entry for a whole file: line 0, with an explanation in `detail`."""
        entry = {"line": 0, "record": 0, "offset": 0, "reason": reason, "raw": "", "detail": detail}
        self._write(entry, self._origin)

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file:
            self._file.close()

    def _write(self, entry: dict[str, object], origin: dict[str, object]) -> None:
        if self._file is None:
            import msgspec  # here, because it takes 20 ms and files without refusals do not need it

            self._encode = msgspec.json.Encoder().encode
            self._file = self._path.open("wb")
        entry |= origin
        entry["contract_version"] = self._contract_version
        self.bytes += self._file.write(self._encode(entry) + b"\n")


def _said(origin: Origin) -> dict[str, object]:
    return {name: value for name, value in asdict(origin).items() if value is not None}
