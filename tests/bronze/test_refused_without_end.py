"""How much disk space the refused records of one raw file may take."""

from dataclasses import replace

from raw_files import blocks_of, contract, csv

BAD = ["x" * 100] * 20_000
CAPPED = {"limits": replace(blocks_of(1000), quarantine_bytes=100_000)}


def test_a_bad_file_does_not_fill_the_disk():
    """37 KB of packed `{}` became 1.8 GB of quarantine; the cap on content alone would have allowed TBs."""
    found = csv(contract("id bigint key"), *BAD, **CAPPED)
    assert (found.report.failure, found.report.rows, found.folders) == ("bad_records", 0, {"quarantine"})
    assert 400 < found.report.records < len(BAD) / 4
    assert found.report.quarantined == found.report.records == len(found.quarantine) - 1


def test_a_file_within_its_limit_of_bad_records_is_read_to_its_end():
    found = csv(contract("id bigint key", maxBadRatio=0.5), *["1"] * len(BAD), *BAD, **CAPPED)
    assert (found.report.failure, found.report.rows, found.report.quarantined) == (None, 20_000, 20_000)
