"""Debezium's change records: the record with the highest `_seq` of a key was committed last.

The single rules are in `conformance/debezium`.
"""

from random import Random

import pytest
from debezium_log import Source, history
from raw_files import changes, contract

from bronze.errors import ContractError

THING = contract("id bigint key", "value bigint", records="debezium")


def newest(source: Source, *, by: str) -> dict[int, int]:
    """Return the current rows if, for each key, the record with the highest value in a column counts."""
    records = list(source.records)
    Random(0).shuffle(records)
    found: dict[int, dict[str, object]] = {}
    for row in changes(THING, *records).rows:
        held = found.get(row["id"])
        if held is None or row[by] > held[by]:
            found[row["id"]] = row
    return {key: row["value"] for key, row in found.items() if row["_op"] != "delete"}


@pytest.mark.parametrize("seed", range(100))
def test_the_record_with_the_highest_sequence_was_committed_last(seed: int) -> None:
    source = history(seed)
    assert newest(source, by="_seq") == source.rows


def test_the_log_position_alone_would_not_suffice() -> None:
    sources = [history(seed) for seed in range(100)]
    # The source's clock stands for the log position of the change, with which it rises.
    wrong = [source for source in sources if newest(source, by="_committed_at") != source.rows]
    assert len(wrong) > 20


@pytest.mark.parametrize("seed", range(20))
def test_a_snapshot_repairs_what_was_refused(seed: int) -> None:
    source = history(seed)
    source.records = [record for record in source.records if source.rng.random() < 0.7]
    source.snapshot()
    found = newest(source, by="_seq")
    assert {key: found[key] for key in source.rows} == source.rows


def test_a_debezium_contract_must_have_lsn_positions() -> None:
    with pytest.raises(ContractError) as refused:
        contract("id bigint key", records="debezium", position="number")
    assert "set it to lsn" in refused.value.hint
