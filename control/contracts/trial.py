"""What a drafted bronze contract makes of the raw file that it was drafted from."""

import tempfile
from pathlib import Path

from bronze import contract as contracts
from bronze.errors import BronzeError
from bronze.parse import parse, source_of
from control.errors import DataError, UsageError

_SHOWN = 5


def objections(text: str, file: Path) -> str:
    """What the contract `text` refuses of `file`, by reason; empty when it takes every record.

    Raises DataError for columns that no contract can have, and UsageError where the parser cannot be used.
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
