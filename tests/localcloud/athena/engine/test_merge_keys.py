"""A MERGE distinguishes keys as Trino does and finds each again: plain Hive columns, merged into Iceberg."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from localcloud.athena.catalog import Catalog
from localcloud.athena.model import Answer

Run = Callable[[str], Answer]
Rows = Callable[[str], list[tuple[Any, ...]]]

LONG = "x" * 20  # longer than the prefix that Iceberg keeps as a file's bounds
KEYS: dict[str, tuple[Any, list[Any]]] = {
    "varchar": (pa.string(), [
        "", " ", "a", "a ", "a  ", " a", "A", "a\0", "\0", "\x01", "\x7f", "\x85", "é", "e\u0301",
        "\u00e9\u0301", "fi", "ﬁ", "ß", "ss", "\u200b", "\u2028", "\ufeff", "\ufffe", "\ud7ff",
        "\ue000", "\U0001f37a", "\U0010ffff", LONG, f"{LONG}y", f"{LONG} ", "\U0010ffff" * 20,
        "\U0010ffff" * 21, "null", "1", "1.0", "01",
    ]),
    "bigint": (pa.int64(), [-(2**63), 2**63 - 1, 2**53, 2**53 + 1, -1, 0, 1]),
    "integer": (pa.int32(), [-(2**31), 2**31 - 1, -1, 0, 1]),
    "boolean": (pa.bool_(), [True, False]),
    "decimal(38,10)": (pa.decimal128(38, 10), [
        Decimal(text) for text in
        ("0", "0.0000000001", "-0.0000000001", "9999999999999999999999999999.9999999999",
         "9999999999999999999999999999.9999999998", "-9999999999999999999999999999.9999999999")
    ]),
    "date": (pa.date32(), [
        date(1, 1, 1), date(1582, 10, 4), date(1582, 10, 10), date(1582, 10, 15), date(1969, 12, 31),
        date(9999, 12, 31),
    ]),
    "timestamp(6)": (pa.timestamp("us"), [
        datetime(1, 1, 1), datetime(1582, 10, 10, 0, 0, 0, 1000), datetime(1582, 10, 10, 0, 0, 0, 2000),
        datetime(1969, 12, 31, 23, 59, 59, 999000), datetime(1970, 1, 1), datetime(2262, 4, 12),
        datetime(9999, 12, 31, 23, 59, 59, 999000),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KEYS)
def test_each_key_is_one_row_and_matches_again(
    kind: str, run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    arrow, keys = KEYS[kind]
    hive = kind.replace("(6)", "(3)")
    run(f"create table sent with (external_location='LOCATION/sent') as select cast(null as {hive}) k, 0 n")
    run(
        "create table state with (table_type='ICEBERG', is_external=false, location='LOCATION/state') as "
        f"select cast(null as {kind}) k, 0 n where false"
    )
    for number, sent in enumerate((keys[::2], keys[1::3], keys)):
        written = pa.BufferOutputStream()
        numbers = pa.array([number] * len(sent), pa.int32())
        pq.write_table(pa.table({"k": pa.array(sent, arrow), "n": numbers}), written)
        body = written.getvalue().to_pybytes()
        catalog.s3.put_object(Bucket="lake", Key=f"{database}/sent/one", Body=body)
        for _ in range(2):
            run(
                f"merge into state using (select cast(k as {kind}) k, n from sent where k is not null) src"
                " on state.k = src.k when matched then update set n = src.n"
                " when not matched then insert (k, n) values (src.k, src.n)"
            )
    found = rows("select k, n from state")
    assert len(found) == len(keys)
    assert {n for _, n in found} == {2}
    assert rows("select count(*) from (select k from state group by k)") == [(len(keys),)]
