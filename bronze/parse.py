"""Parse one raw file: typed Parquet and events out, and every line that is refused into quarantine."""

import re
from dataclasses import dataclass, field
from typing import Literal

from bronze.errors import SourceError


@dataclass(frozen=True, slots=True)
class Source:
    """Which raw file it is: its id, the epoch of its source's log, the number of its extract, its shape."""

    file_id: str
    epoch: int
    extract: int
    format: Literal["csv", "json"]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a raw file; `records == rows + quarantined + control`, always.

    `lines` counts every line, header and blank ones too. `sha256` is of the compressed bytes. `reasons`
    counts the refused records by reason code. `failure` is the reason code of a file refused as a whole: then no row
    is written, and every record seen counts as quarantined. `discarded` counts the values dropped under
    `unknownKeys: discard`.
    """

    lines: int
    blank: int
    records: int
    rows: int
    quarantined: int
    control: int
    sha256: str
    reasons: dict[str, int] = field(default_factory=dict)
    failure: str | None = None
    discarded: int = 0


_SUFFIXES: dict[str, Literal["csv", "json"]] = {".csv.gz": "csv", ".json.gz": "json"}


def source_of(key: str, file_id: str) -> Source:
    """What the key of a raw file says: `epoch=` and `extract=` segments (1 when absent), the suffix.

    Raises SourceError on any other suffix, and on a segment that holds no number.
    """
    found = next((shape for suffix, shape in _SUFFIXES.items() if key.endswith(suffix)), None)
    if found is None:
        raise SourceError(
            f"{key} is neither {' nor '.join(_SUFFIXES)}",
            hint="the parser tells a raw file's shape by its suffix",
        )
    return Source(file_id, _segment(key, "epoch", 10), _segment(key, "extract", 20), found)


def _segment(key: str, name: str, digits: int) -> int:
    values = [part.removeprefix(f"{name}=") for part in key.split("/")[:-1] if part.startswith(f"{name}=")]
    if not values:
        return 1
    if len(values) > 1 or not re.fullmatch(rf"[0-9]{{1,{digits}}}", values[0]):
        raise SourceError(f"{key}: `{name}=` must be given once, with a number of at most {digits} digits")
    return int(values[0])
