"""A look into Parquet objects that an engine wrote."""

import io
from collections import Counter


def event_kinds(body: bytes) -> dict[str, int]:
    """Count the control records of an events object by kind (`truncate-table`, `add-column`, …)."""
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(body), columns=["event"])
    return dict(Counter(table.column("event").to_pylist()))
