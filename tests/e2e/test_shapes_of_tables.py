"""Tables of other shapes than the example's: only key columns, keys of any type, hundreds of columns."""

import json
from pathlib import Path

import yaml
from lakehouse import Lakehouse, Run

Key = dict[str, object]

# The old key and the new one.
CHANGED: list[tuple[Key, Key]] = [
    (
        {"Zone": "1.500", "day": "2024-02-29", "at": "2024-02-29T10:00:00+02:00", "free": True},
        {"Zone": "2.500", "day": "2024-02-29", "at": "2024-02-29T10:00:00+02:00", "free": True},
    ),
    (
        {"Zone": "-0.001", "day": "0001-01-01", "at": "1950-01-01T00:00:00.1234Z", "free": False},
        {"Zone": "-0.001", "day": "9999-12-31", "at": "1950-01-01T00:00:00.123401Z", "free": False},
    ),
]


def draft(run: Run, project: Path, table: str, file: str, key: list[str], **types: str) -> None:
    """Draft `table` from a file's content, with its key and the types that the file cannot show."""
    sample = project / f"{table}.{'json' if file.startswith('{') else 'csv'}"
    sample.write_text(file)
    run("dm", "contract", "new", "bronze", table, "--from-file", str(sample))
    drafted = project / f"contracts/bronze/{table}.yaml"
    contract = yaml.safe_load(drafted.read_text().replace("value: timestamp", "value: lsn"))
    for column in contract["schema"][0]["properties"]:
        name = column["name"]
        column.pop("primaryKey", None), column.pop("primaryKeyPosition", None)
        if name in key:
            column |= {"primaryKey": True, "primaryKeyPosition": key.index(name) + 1, "required": True}
        if name in types:
            column |= {"logicalType": "number", "physicalType": types[name]}
    drafted.write_text(yaml.safe_dump(contract, sort_keys=False))
    run("dm", "contract", "new", "silver", table, "--replace")


def change(operation: str, position: int, data: Key, **more: object) -> str:
    place = {"operation": operation, "stream-position": f"0/{position:X}"}
    return json.dumps({"data": data, "metadata": {"record-type": "data", **place}, **more}) + "\n"


def test_a_table_of_only_keys_a_wide_table_and_one_whose_typed_keys_change(
    lakehouse: Lakehouse, project: Path, run: Run
) -> None:
    names = [f"c{number:03}" for number in range(400)]
    wide = ",".join(names) + "\n" + ",".join(map(str, range(400))) + "\n"
    inserted = "".join(change("insert", 16 + n, old | {"n": n}) for n, (old, _) in enumerate(CHANGED))
    draft(run, project, "tagging", "Parcel No,batch\n1,cold\n1,big\n", ["parcel_no", "tagging_batch"])
    draft(run, project, "wide", wide, ["c000"])
    draft(run, project, "rate", inserted, ["zone", "day", "at", "free"], zone="decimal(10,3)")
    run("dm", "contract", "lint")
    run("dm", "contract", "sync")
    lakehouse.put("raw/tagging/1.csv", b"Parcel No,batch\n1,cold\n1,big\n1,cold\n")
    lakehouse.put("raw/wide/1.csv", wide.encode())
    lakehouse.put("raw/rate/1.json", inserted.encode())
    run("dm", "ingest", "run", "--until-idle")
    run("dbt", "build", "--profiles-dir", "profiles")

    moved = "".join(
        change("update", 32 + n, new | {"n": 10 + n}, **{"before-image": old | {"n": n}})
        for n, (old, new) in enumerate(CHANGED)
    )
    # Rounded to the millisecond, it would equal the new key of the first row.
    finer = change("insert", 64, CHANGED[0][1] | {"at": "2024-02-29T08:00:00.0004Z", "n": 99})
    lakehouse.put("raw/rate/2.json", (moved + finer).encode())
    # The same key at the same place: the content decides which record wins.
    lakehouse.put("raw/tagging/2.csv", b"Parcel No,batch\n1,big\n1,big\n2,big\n")
    lakehouse.put("raw/wide/2.csv", wide.encode())
    run("dm", "ingest", "run", "--until-idle")
    run("dbt", "build", "--profiles-dir", "profiles")

    tags = lakehouse.query("select parcel_no, tagging_batch from silver.taggings order by 1, 2")
    assert [tuple(row.values()) for row in tags] == [(1, "big"), (1, "cold"), (2, "big")]
    [row] = lakehouse.query("select * from silver.wides")
    assert list(row.values()) == list(range(400))
    shown = "cast(zone as varchar) as zone, cast(day as varchar) as day, cast(at as varchar) as at"
    rates = lakehouse.query(f"select {shown}, free, n from silver.rates order by n")
    assert [tuple(row.values()) for row in rates] == [
        ("2.500", "2024-02-29", "2024-02-29 08:00:00.000000", True, 10),
        ("-0.001", "9999-12-31", "1950-01-01 00:00:00.123401", False, 11),
        ("2.500", "2024-02-29", "2024-02-29 08:00:00.000400", True, 99),
    ]
