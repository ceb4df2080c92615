"""The output of a rehearsal for people: how much is refused and why, and samples with their place."""

from typing import Any

import pytest

from control.cli.contract_replay import _print
from control.ingest.rehearse import Rehearsal, Sample


def shown(capsys: Any, records: int, quarantined: int) -> str:
    sample = Sample("raw/review/a\x1b.csv.gz", 7, "type:score", "x,\x1b[31mnine")
    refused = {"raw/review/b.csv.gz": "gzip_truncated"}
    reasons = {"type:score": quarantined}
    _print(
        Rehearsal(
            "review", "1.3.0", 3, records, records - quarantined, quarantined, 2, reasons, refused, (sample,)
        ),
        days=7,
    )
    return str(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("records", "quarantined", "share"),
    [
        (2_000, 2_000, "100 %"),
        (2_000, 25, "1.25 %"),
        (150_000, 3, "0.002 %"),
        (0, 0, "0 %"),
    ],
)
def test_the_share_is_readable(capsys: Any, records: int, quarantined: int, share: str) -> None:
    first = shown(capsys, records, quarantined).splitlines()[0]
    assert first == (
        f"review under version 1.3.0: would quarantine {share} ({quarantined:,} of {records:,} records of "
        "3 files of 7 days); today 2"
    )


def test_samples_are_grouped_by_reason_without_terminal_control_characters(capsys: Any) -> None:
    assert shown(capsys, 2_000, 25).splitlines()[1:] == [
        "          25  type:score",
        "              raw/review/a\\x1b.csv.gz:7: x,\\x1b[31mnine",
        "  refused as a whole (gzip_truncated): raw/review/b.csv.gz",
    ]
