"""Parse a raw file with the bronze contract that was drafted from it."""

import tempfile
from pathlib import Path

from bronze import contract as contracts
from bronze.errors import BronzeError
from bronze.parse import parse, source_of
from control.errors import DataError, UsageError

_SHOWN = 5


def objections(text: str, file: Path) -> str:
    """Describe the records of `file` that the contract `text` refuses, by reason; empty if it accepts all.

    Raises DataError for columns that no contract can have, and UsageError when the parser cannot be used.
    """
    try:
        contract = contracts.loads(text, file.name)
    except BronzeError as error:
        raise DataError(f"no contract can be drafted from {error.message}", hint=error.hint) from error
    try:
        with tempfile.TemporaryDirectory(prefix="dm-draft-") as folder, file.open("rb") as stream:
            # Nothing is kept, so the tokens need no secret.
            source = source_of(file.name, "drafted")
            report = parse(stream, contract, source, Path(folder), token_key=b"draft")
    except BronzeError as error:
        raise UsageError(str(error), hint=error.hint) from error
    if not report.quarantined and report.failure is None:
        return ""
    counted = sorted(report.reasons.items(), key=lambda one: (-one[1], one[0]))
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in counted[:_SHOWN])
    more = f" and {len(counted) - _SHOWN} more reasons" if len(counted) > _SHOWN else ""
    whole = f"it is refused as a whole ({report.failure}); " if report.failure else ""
    return f"{whole}{report.quarantined:,} of {report.records:,} records are refused: {reasons}{more}"
