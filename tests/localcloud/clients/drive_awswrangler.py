"""What a user of awswrangler does, against the endpoint in the environment; run by its test."""

import json
from datetime import date

import awswrangler as wr
import pandas as pd

frame = pd.DataFrame(
    {"id": [1, 2, 3], "day": [date(2024, 1, n) for n in (1, 2, 2)], "name": ["a", None, "ü"]}
)
wr.catalog.create_database("wrangled", exist_ok=True)
wr.s3.to_parquet(
    frame, path="s3://lake/w/hive/", dataset=True, database="wrangled", table="hive", partition_cols=["day"]
)
found = {"columns": wr.catalog.get_table_types("wrangled", "hive")}

read = {"database": "wrangled", "s3_output": "s3://lake/w/results/"}
hive = "select id, name, day from hive where day = date '2024-01-02' order by id"
found["direct"] = wr.athena.read_sql_query(hive, ctas_approach=False, **read).id.tolist()
found["by_ctas"] = sorted(wr.athena.read_sql_query(hive, ctas_approach=True, **read).id.tolist())
chosen = wr.athena.read_sql_query(
    "select name from hive where id = :id", ctas_approach=False, params={"id": 3}, **read
)
found["with_parameter"] = chosen.name.tolist()

# The next call would read files that stay under `temp_path` again.
iceberg = {
    "keep_files": False,
    "database": "wrangled",
    "table": "ice",
    "temp_path": "s3://lake/w/temp/",
    "s3_output": "s3://lake/w/results/",
}
wr.athena.to_iceberg(frame[["id", "name"]], table_location="s3://lake/w/ice/", **iceberg)
wr.athena.to_iceberg(pd.DataFrame({"id": [3, 4], "name": ["changed", "new"]}), merge_cols=["id"], **iceberg)
rows = wr.athena.read_sql_query("select id, name from ice order by id", ctas_approach=False, **read)
found["merged"] = [
    [int(row.id), None if pd.isna(row.name_) else row.name_]
    for row in rows.rename(columns={"name": "name_"}).itertuples()
]
print(json.dumps(found))
