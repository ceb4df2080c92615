"""How much memory results take while the gateway keeps them in its history."""

from collections.abc import Callable

import pyarrow as pa

from localcloud.athena.model import Answer

WANTED = "select {} a, 'one text' b, 2.5e0 c, array[1, null] d, timestamp '2024-02-29 01:02:03 UTC' e, null f"


def test_a_small_result_does_not_keep_a_whole_vector(run: Callable[[str], Answer]) -> None:
    run(WANTED.format(0))
    before = pa.total_allocated_bytes()
    kept = [run(WANTED.format(number)).table for number in range(20)]
    # DuckDB's own memory, 90 KiB a result, would not be counted: the difference would be 0.
    assert 0 < pa.total_allocated_bytes() - before < 20 * (16 << 10)
    first = [table.slice(0, 1).to_pylist()[0] for table in kept if table is not None]
    assert [row.pop("a") for row in first] == list(range(20))
    assert all(row == first[0] for row in first)
    assert (first[0]["b"], first[0]["c"], first[0]["d"], first[0]["f"]) == ("one text", 2.5, [1, None], None)
