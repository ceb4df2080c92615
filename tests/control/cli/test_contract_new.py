import gzip
from pathlib import Path

import pytest
import yaml
from drafting import change, drafted, run, zstd

from bronze.contract import load
from control.errors import ControlError

pytestmark = pytest.mark.usefixtures("empty_folder")

CSV = "wine_id,wine_name,vintage,abv,bottled_on,maker_email\n" + "".join(
    f"{n},Wine {n},{1990 + n % 30},{'' if n % 7 == 0 else 11.5},2020-01-{n % 28 + 1:02},m{n}@example.org\n"
    for n in range(1, 100)
)


@pytest.mark.parametrize("file", ["wines.csv.gz", "wines.csv.zst", "wines.csv"])
def test_a_csv_file_gives_types_and_required_columns(file: str) -> None:
    assert drafted(file, CSV) == {
        "wine_id": ("bigint", True),
        "wine_name": ("string", True),
        "vintage": ("bigint", True),
        "abv": ("double", False),
        "bottled_on": ("date", True),
        "maker_email": ("string", True),
    }


def test_the_draft_has_no_findings_renders_and_keeps_addresses_as_tokens() -> None:
    drafted("wines.csv.gz", CSV)
    assert run("lint").stdout == "2 contracts, 0 findings\n"
    assert run("sync").exit_code == 0
    assert run("sync", "--check").exit_code == 0
    contract = yaml.safe_load(Path("contracts/bronze/wine.yaml").read_text())
    email = contract["schema"][0]["properties"][5]
    assert (email["classification"], email["customProperties"]) == (
        "personal",
        [{"property": "token", "value": True}],
    )
    assert "cast(maker_email_token as varchar) as maker_email" in Path("models/silver/wines.sql").read_text()
    assert contract["status"] == "draft"


def test_fields_named_like_sql_keywords_are_quoted_and_such_columns_renamed() -> None:
    drafted("w.json.gz", '{"wine_id": 1, "trip": {"from": "a", "to": {"end": 1}}}\n')
    quoted = 'cast(trip as row("from" varchar, to row("end" bigint))) as trip'
    assert quoted in Path("models/silver/wines.sql").read_text()
    Path("o.json").write_text('{"wine_id": 1, "order": 2, "group": 3}\n')
    assert run("new", "bronze", "other", "--from-file", "o.json").stderr == ""
    assert load(Path("contracts/bronze/other.yaml")).stored == {
        "wine_id": "wine_id", "order": "other_order", "group": "other_group",
    }  # fmt: skip


def test_an_existing_contract_is_not_overwritten() -> None:
    drafted("wines.csv.gz", CSV)
    before = Path("contracts/bronze/wine.yaml").read_text()
    error = run("new", "bronze", "wine", "--from-file", "wines.csv.gz").exception
    assert isinstance(error, ControlError)
    assert "already exist" in error.message
    assert Path("contracts/bronze/wine.yaml").read_text() == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv.gz", gzip.compress(b"a,b\n", mtime=0), "has no record"),
        ("a.csv.gz", b"not packed", "cannot read a.csv.gz"),
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:50], "cannot read a.csv.gz"),
        ("a.csv.zst", b"not packed", "cannot read a.csv.zst"),
        ("a.csv.zst", zstd(CSV.encode())[:20], "cannot read a.csv.zst"),
        ("a.json.gz", gzip.compress(b'{"a": 1}\n{oops\n', mtime=0), "a.json.gz:2: no JSON"),
        ("a.csv.gz", gzip.compress(b"Wine Id,WINE-ID\n1,2\n", mtime=0), "'Wine Id', 'WINE-ID'"),
        ("a.csv.gz", gzip.compress("a,«»\n1,2\n".encode(), mtime=0), "'«»'"),
        ("a.csv.gz", gzip.compress(b"a,_seq\n1,2\n", mtime=0), "`_seq` is a name that the parser keeps"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,\n,2\n", mtime=0), "can be the key: none of"),
        ("a.parquet", b"PAR1", "neither .csv"),
        ("a.json", b'[{"a": 1}]', "the records are in an array"),
        # Every record has a value, but of a type that no key may have.
        ("a.json", b'{"score": 1.5}', "none of bigint, decimal(38,0), string, date has"),
    ],
)
def test_an_unusable_file_is_reported_and_nothing_is_written(name: str, content: bytes, said: str) -> None:
    Path(name).write_bytes(content)
    error = run("new", "bronze", "wine", "--from-file", name).exception
    assert isinstance(error, ControlError)
    assert said in error.message
    assert not Path("contracts").exists()


def test_if_no_columns_are_unique_the_key_is_called_a_guess() -> None:
    Path("o.csv.gz").write_bytes(gzip.compress(b"order_id,line_no\n1,1\n1,2\n2,1\n2,1\n"))
    result = run("new", "bronze", "order_line", "--from-file", "o.csv.gz")
    assert "order_id is a guess at the key" in result.stderr
    Path("wines.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    assert run("new", "bronze", "wine", "--from-file", "wines.csv.gz").stderr == ""


def test_silver_is_drafted_again_from_an_edited_bronze_contract() -> None:
    drafted("wines.csv.gz", CSV)
    file = Path("contracts/bronze/wine.yaml")
    contract = yaml.safe_load(file.read_text())
    abv, bottled_on = contract["schema"][0]["properties"][3:5]
    abv |= {"physicalType": "map<string,decimal(4,2)>", "logicalType": "object", "description": "Alcohol."}
    bottled_on |= {
        "physicalType": "string", "logicalType": "string", "classification": "personal", "tags": ["pii"],
        "customProperties": [{"property": "token", "value": True}],
    }  # fmt: skip
    file.write_text(yaml.safe_dump(contract, sort_keys=False))
    assert "silver-mismatch" in run("lint").stdout

    refused = run("new", "silver", "wine").exception
    assert isinstance(refused, ControlError)
    assert "already exist" in refused.message
    assert run("new", "silver", "wine", "--replace").exit_code == 0
    assert run("lint").stdout == "2 contracts, 0 findings\n"
    state, view = (Path(f"models/silver/wines{of}.sql").read_text() for of in ("_state", ""))
    assert "cast(abv as map(varchar, decimal(4, 2))) as abv" in state
    assert "cast(bottled_on_token as varchar) as bottled_on_token" in state
    assert "cast(bottled_on_token as varchar) as bottled_on\n" not in state
    assert "cast(bottled_on_token as varchar) as bottled_on" in view
    [shown] = [
        column
        for column in yaml.safe_load(Path("contracts/silver/wines.yaml").read_text())["schema"][0][
            "properties"
        ]
        if column["name"] == "bottled_on"
    ]
    assert (shown["classification"], shown["tags"]) == ("pseudonym", ["pii"])


def test_columns_named_like_personal_data_are_drafted_as_personal() -> None:
    head = "id,card_number,phone,email,scorecard,address,birth_date\n"
    Path("p.csv").write_text(f"{head}1,4000,030,a@example.org,9,Elm 1,1980-02-29\n")
    result = run("new", "bronze", "person", "--from-file", "p.csv")
    assert "note: card_number, phone, email, address, birth_date are taken to be personal" in result.stdout
    assert "tokens instead of texts, and leaves out card_number, birth_date" in result.stdout
    view = Path("models/silver/persons.sql").read_text()
    assert "cast(phone_token as varchar) as phone" in view
    assert "birth_date" not in view
    assert run("lint").stdout == "2 contracts, 0 findings\n"


def test_a_column_named_like_a_key_is_preferred_to_one_that_happens_to_be_unique() -> None:
    Path("h.csv").write_text(
        "Region Code,Holder No.,Full Name,Discount\nN,1,Ann,1\nN,2,Bo,2\nS,1,Cy,3\nS,2,Di,4\n"
    )
    run("new", "bronze", "holder", "--from-file", "h.csv")
    assert load(Path("contracts/bronze/holder.yaml")).key == ("Region Code", "Holder No.")
    Path("f.csv").write_text("full_name,colour,n\nAnn,red,7\nBo,blue,7\n")
    run("new", "bronze", "fan", "--from-file", "f.csv")
    assert load(Path("contracts/bronze/fan.yaml")).key == ("colour",)


def test_a_personal_key_without_a_token_stays_public_with_a_warning() -> None:
    Path("c.csv").write_text("card_number,name\n4000,a\n4001,a\n")
    result = run("new", "bronze", "card", "--from-file", "c.csv")
    assert "warning: card_number may be personal, but is drafted as public" in result.stderr
    assert run("lint").stdout == "2 contracts, 0 findings\n"


@pytest.mark.parametrize(
    ("value", "kind", "form"),
    [
        ("2024-01-01 10:00:00+00", "a moment", "2024-05-06T07:08:09"),
        ("31.12.2024", "a date", "2024-05-06"),
        ('"1.234,50"', "an amount", "1234.5"),
        ("t", "true or false", "true"),
    ],
)
def test_a_value_that_only_looks_typed_stays_a_string_with_a_note(value: str, kind: str, form: str) -> None:
    Path("m.csv").write_text(f"id,since,name\n1,{value},a\n2,{value},b\n")
    result = run("new", "bronze", "member", "--from-file", "m.csv")
    assert (
        f"note: since looks like {kind}, but stays a string: raw files write {kind} as {form}"
        in result.stdout
    )
    assert result.stdout.count("looks like") == 1


def test_a_composite_key_is_drafted_in_its_order() -> None:
    drafted("wines.csv.gz", CSV)
    file = Path("contracts/bronze/wine.yaml")
    contract = yaml.safe_load(file.read_text())
    wine_id, _, vintage = contract["schema"][0]["properties"][:3]
    vintage |= {"primaryKey": True, "primaryKeyPosition": 1}
    wine_id["primaryKeyPosition"] = 2
    file.write_text(yaml.safe_dump(contract, sort_keys=False))
    assert run("new", "silver", "wine", "--replace").exit_code == 0
    assert run("lint").stdout == "2 contracts, 0 findings\n"
    state = Path("models/silver/wines_state.sql").read_text()
    assert "config(unique_key=['vintage', 'wine_id'], " in state
    assert "latest_by_sequence('changes', key=['vintage', 'wine_id'], " in state


def test_a_personal_column_without_a_token_is_not_in_the_view() -> None:
    drafted("w.json", '{"wine_id": 1, "maker": {"name": "x", "zip": "1"}, "grape": "red"}\n')
    file = Path("contracts/bronze/wine.yaml")
    contract = yaml.safe_load(file.read_text())
    maker = next(one for one in contract["schema"][0]["properties"] if one["name"] == "maker")
    maker["classification"] = "personal"
    file.write_text(yaml.safe_dump(contract, sort_keys=False))
    assert "maker would show personal data: bronze has no token of it, so leave it out" in run("lint").stdout
    assert run("new", "silver", "wine", "--replace").exit_code == 0
    assert run("lint").stdout == "2 contracts, 0 findings\n"
    [view] = yaml.safe_load(Path("contracts/silver/wines.yaml").read_text())["schema"]
    assert [one["name"] for one in view["properties"]] == ["wine_id", "grape"]
    assert " as maker" in Path("models/silver/wines_state.sql").read_text()
    assert "maker" not in Path("models/silver/wines.sql").read_text()


def test_an_active_silver_contract_is_not_drafted_again() -> None:
    drafted("wines.csv.gz", CSV)
    file = Path("contracts/silver/wines.yaml")
    file.write_text(file.read_text().replace("status: draft", "status: active"))
    before = file.read_text()
    error = run("new", "silver", "wine", "--replace").exception
    assert isinstance(error, ControlError)
    assert "is not a draft" in error.message
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("classification: public", "classification: personal", "has no token"),
        ("        primaryKey: true\n        primaryKeyPosition: 1\n", "", "has no key"),
    ],
)
def test_a_bronze_contract_unfit_for_silver_is_refused(old: str, new: str, said: str) -> None:
    drafted("wines.csv.gz", CSV)
    file = Path("contracts/bronze/wine.yaml")
    file.write_text(file.read_text().replace(old, new, 1))
    error = run("new", "silver", "wine", "--replace").exception
    assert isinstance(error, ControlError)
    assert said in error.message


def test_activating_a_draft_with_its_placeholders_has_findings() -> None:
    drafted("wines.csv.gz", CSV)
    for file in (Path("contracts/bronze/wine.yaml"), Path("contracts/silver/wines.yaml")):
        file.write_text(file.read_text().replace("status: draft", "status: active"))
    found = run("lint").stdout
    assert found.count("draft-words") == 15  # 2 tables, 12 columns, and the consumer of silver


RECORDS = {
    "rows.json": '{"id": 1, "v": "a"}\n{"id": 2, "v": "b"}\n',
    "rows_like_changes.json": '{"id": 1, "data": "a", "metadata": "b"}\n',
    "changes.json": change("insert", id=1, v="a") + "\n",
    "semicolons.csv": "id;name;price\n1;Ann, Bob;1.5\n2;Cid;2\n",
    "tabs.csv": "id\tname\n1\tAnn\n",
    "newlines.csv": 'id,text\n1,"two\nlines, and more"\n2,\n',
    "wide_integers.csv": "id,n\n1,18446744073709551615\n2,-1\n",
    "wide_integers.json": '{"id": 1, "n": 18446744073709551615}\n{"id": 2, "n": 1}\n',
    "endless_integers.csv": f"id,n\n1,{10**40}\n",
    "codes.csv": "id,zip\n1,01234\n2,12345\n",
    "spaced_moments.csv": "id,at\n1,2026-01-01 10:00:00\n",
    "moments.csv": "id,at,day\n1,2026-01-01T10:00:00+01:00,9999-12-31\n",
    "fine_moments.json": '{"id": 1, "at": "2026-01-01T10:00:00.1234567Z"}\n',
    "amounts.csv": "id,a,b\n1,1.0,1e3\n2,2.0,.5\n",
    "names_of_others.csv": "ID,First Name,e-mail,valueDate,2nd,batch\n1,Ann,a@b.org,2026-01-01,x,y\n",
    "names_of_others.json": '{"_id": 1, "shipTo": {"zip": "1"}, "Order": null, "eMail": "a@b.org"}\n',
    "maps.json": '{"id": 1, "to": {"zipCode": "1", "City": "a"}, "none": {}, "n": {"A": 1, "b c": null}}\n'
    '{"id": 2, "to": {"A": null}, "none": {}, "n": {}}\n',
    "byte_order_mark.csv": "\ufeffid,v\n1,é😀\n",
}
TYPES = {
    "wide_integers.csv": {"n": "decimal(38,0)"},
    "wide_integers.json": {"n": "decimal(38,0)"},
    "endless_integers.csv": {"n": "string"},
    "codes.csv": {"zip": "string"},
    "spaced_moments.csv": {"at": "string"},
    "moments.csv": {"at": "timestamp", "day": "date"},
    "fine_moments.json": {"at": "string"},
    "amounts.csv": {"a": "double", "b": "double"},
    "maps.json": {"to": "map<string,string>", "none": "map<string,string>", "n": "map<string,bigint>"},
    "semicolons.csv": {"id": "bigint", "name": "string", "price": "double"},
}


@pytest.mark.parametrize("file", RECORDS)
def test_a_draft_accepts_every_record_of_its_file(file: str) -> None:
    Path(file).write_text(RECORDS[file], newline="")
    result = run("new", "bronze", "wine", "--from-file", file)
    assert (result.exit_code, result.stderr.count("refused")) == (0, 0), result.stderr
    types = {c.stored: c.type for c in load(Path("contracts/bronze/wine.yaml")).columns}
    assert types | TYPES.get(file, {}) == types


def test_names_that_queries_cannot_use_stay_raw_names() -> None:
    Path("w.csv").write_text(RECORDS["names_of_others.csv"])
    result = run("new", "bronze", "wine", "--from-file", "w.csv")
    stored = load(Path("contracts/bronze/wine.yaml")).stored
    assert list(stored.values()) == ["id", "first_name", "e_mail", "value_date", "wine_2nd", "wine_batch"]
    assert "note: the table renames ID to id, First Name to first_name, e-mail to e_mail, " in result.stdout
    assert "note: first_name, e_mail are taken to be personal" in result.stdout
    assert "cast(e_mail_token as varchar) as e_mail" in Path("models/silver/wines.sql").read_text()
    assert run("lint").stdout == "2 contracts, 0 findings\n"


def test_records_of_the_file_that_the_draft_refuses_are_reported() -> None:
    Path("w.json").write_text('{"id": 1, "v": 1}\n{"id": 2, "v": "x"}\n')
    said = run("new", "bronze", "wine", "--from-file", "w.json").stderr
    assert "warning: w.json: 1 of 2 records are refused: 1 type:v" in said


def test_columns_that_are_unique_only_together_are_the_key() -> None:
    Path("t.csv").write_text("note,zone,valid_from\nx,1,2025-01-01\nx,1,2026-01-01\nx,2,2025-01-01\n")
    result = run("new", "bronze", "tariff", "--from-file", "t.csv")
    assert load(Path("contracts/bronze/tariff.yaml")).key == ("zone", "valid_from")
    assert "guess" not in result.stderr


def test_a_header_with_a_duplicate_name_is_refused() -> None:
    Path("t.csv").write_text("a,b,a\n1,2,3\n")
    error = run("new", "bronze", "wine", "--from-file", "t.csv").exception
    assert isinstance(error, ControlError)
    assert "'a' of t.csv occur twice" in error.message
