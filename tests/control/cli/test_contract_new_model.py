"""`dm contract new model` drafts the contract of an existing model and adds it to its inputs' consumers."""

from pathlib import Path

import pytest
import yaml
from drafting import drafted, run

from control.contracts import load
from control.contracts.model import Contract
from control.errors import ControlError

CSV = (
    "wine_id,wine_name,maker_email,bottled_on\n1,Riesling,a@example.org,2020-01-31\n2,Merlot,b@example.org,\n"
)
MONTHS = """-- One row per month with wines that were bottled in it.
{{ config(unique_key=['bottled_year', 'bottled_month']) }}

with months as (
    select year(bottled_on) as bottled_year, month(bottled_on) as bottled_month, count(*) as wine_count
    from {{ ref('wines') }}
    group by year(bottled_on), month(bottled_on)
),

changed as (
    {{ changed_groups('months', key=['bottled_year', 'bottled_month'], count='wine_count') }}
)

select
    cast(bottled_year as integer) as bottled_year,
    -- The month, from 1 to 12, as it is.
    cast(bottled_month as integer) as bottled_month,
    cast(concat('a, (b from c', 'x') as varchar) as words,
    cast(cast(wine_count as bigint) as decimal(12, 2)) as wine_count
from changed
"""
LABELS = """-- One row per wine with its maker.
{{ config(materialized='view') }}

select
    cast(wine_id as bigint) as wine_id,
    cast(maker_email as varchar) as maker_email,
    cast(row(1, array['a']) as row(size bigint, tags array(varchar))) as label
from {{ ref('wines') }}
"""
FLAT = """-- One row per wine, deleted ones included.
{{ config(unique_key='wine_id') }}

select
    cast(wine_id as bigint) as wine_id,
    cast(_deleted as boolean) as _deleted
from {{ ref('wines_state') }}
"""


def write(layer: str, name: str, sql: str) -> Path:
    file = Path("models", layer, f"{name}.sql")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(sql)
    return file


def contract(name: str) -> Contract:
    return load.one(Path("contracts", f"{name}.yaml"))


@pytest.fixture(autouse=True)
def _wines(empty_folder: None) -> None:
    drafted("wines.csv", CSV)


def test_a_gold_model_gets_columns_and_key_and_becomes_a_consumer_of_its_inputs() -> None:
    write("gold", "wine_months", MONTHS)
    done = run("new", "model", "wine_months")
    assert done.exit_code == 0, done.exception
    drawn = contract("gold/wine_months")
    assert [(c.name, c.type, c.key, c.required) for c in drawn.columns] == [
        ("bottled_year", "int", 1, True), ("bottled_month", "int", 2, True),
        ("words", "string", 0, False), ("wine_count", "decimal(12,2)", 0, False),
    ]  # fmt: skip
    assert (drawn.kind, drawn.grain) == ("table", "One row per month with wines that were bottled in it.")
    assert [c.name for c in contract("silver/wines").consumers] == ["gold.wine_months"]
    assert run("lint").stdout == "3 contracts, 0 findings\n"
    assert run("sync").exit_code == 0


def test_a_view_gets_key_and_descriptions_from_its_input() -> None:
    write("silver", "wine_labels", LABELS)
    done = run("new", "model", "wine_labels")
    assert "that of silver.wines is used: wine_id" in done.stderr
    drawn = contract("silver/wine_labels")
    assert (drawn.kind, drawn.key) == ("view", ("wine_id",))
    assert [(c.name, c.type, c.classification) for c in drawn.columns] == [
        ("wine_id", "bigint", "public"), ("maker_email", "string", "pseudonym"),
        ("label", "struct<size:bigint,tags:array<string>>", "public"),
    ]  # fmt: skip
    assert run("lint").stdout == "3 contracts, 0 findings\n"


def test_consumers_written_by_hand_and_their_comments_stay() -> None:
    home = Path("contracts/silver/wines.yaml")
    home.write_text(home.read_text().replace("name: to-be-named", "name: cellar  # ask first"))
    write("silver", "wine_labels", LABELS)
    run("new", "model", "wine_labels")
    run("new", "model", "wine_labels", "--replace")
    assert [c.name for c in contract("silver/wines").consumers] == ["silver.wine_labels", "cellar"]
    assert "- name: cellar  # ask first\n" in home.read_text()


def test_a_one_line_list_of_consumers_is_not_edited() -> None:
    home = Path("contracts/silver/wines.yaml")
    text = home.read_text()
    listed = text[text.index("    value:\n      - name: to-be-named") : text.index("schema:\n")]
    one_line = "    value: [{name: cellar, contact: cellar@example.org, use: Reads it whole.}]\n"
    home.write_text(text.replace(listed, one_line))
    write("silver", "wine_labels", LABELS)
    done = run("new", "model", "wine_labels")
    assert done.exit_code == 0, done.exception
    assert (
        "warning: name silver.wine_labels among the consumers of contracts/silver/wines.yaml" in done.stderr
    )
    assert one_line in home.read_text()


def test_an_edited_draft_keeps_its_words_when_drafted_again() -> None:
    write("silver", "wine_labels", LABELS)
    run("new", "model", "wine_labels")
    home = Path("contracts/silver/wine_labels.yaml")
    home.write_text(
        home.read_text()
        .replace("Column wine_id of the raw file.", "The number of the wine.")
        .replace("to-be-named", "cellar")
    )
    write("silver", "wine_labels", LABELS.replace("as label", "as label,\n    cast(1 as bigint) as stars"))
    assert run("new", "model", "wine_labels").exit_code == 1
    assert run("new", "model", "wine_labels", "--replace").exit_code == 0
    drawn = contract("silver/wine_labels")
    assert [c.name for c in drawn.columns] == ["wine_id", "maker_email", "label", "stars"]
    assert drawn.columns[0].description == "The number of the wine."
    assert [c.name for c in drawn.consumers] == ["cellar"]
    home.write_text(home.read_text().replace("status: draft", "status: active"))
    error = run("new", "model", "wine_labels", "--replace").exception
    assert isinstance(error, ControlError)
    assert "is not a draft" in error.message
    assert {f["name"] for f in yaml.safe_load(home.read_text())["schema"]} == {"wine_labels"}


@pytest.mark.parametrize(
    ("home", "again"), [("silver/wines", ("silver", "wine")), ("gold/wine_months", ("model", "wine_months"))]
)
def test_what_people_wrote_about_a_table_stays_when_it_is_drafted_again(
    home: str, again: tuple[str, str]
) -> None:
    write("gold", "wine_months", MONTHS)
    run("new", "model", "wine_months")
    file = Path("contracts", f"{home}.yaml")
    said = file.read_text()
    for was, now in (
        ("name: data-platform", "name: cellar"), ("value: 10", "value: 7"),
        ("name: to-be-named", "name: letter"), ("limitations: ", "limitations: None known. "),
        ("description: Drafted from", "description: All of them, not drafted from"),
    ):  # fmt: skip
        said = said.replace(was, now, 1)
    file.write_text(said)
    before, key = contract(home), Path("contracts/bronze/wine.yaml")
    key.write_text(key.read_text().replace("Column bottled_on of the raw file.", "When it was bottled."))
    assert run("new", *again, "--replace").exit_code == 0
    after = contract(home)
    assert (after.owner, after.slas, after.consumers) == (before.owner, before.slas, before.consumers)
    assert after.owner == "cellar"
    assert after.description == before.description
    assert "None known. " in file.read_text()


def test_drafting_again_propagates_descriptions_from_bronze() -> None:
    write("silver", "wine_labels", LABELS)
    run("new", "model", "wine_labels")
    bronze = Path("contracts/bronze/wine.yaml")
    bronze.write_text(bronze.read_text().replace("Column maker_email of the raw file.", "Who to write to."))
    run("new", "silver", "wine", "--replace")
    run("new", "model", "wine_labels", "--replace")
    number, maker, _ = contract("silver/wine_labels").columns
    assert (maker.description, maker.classification) == ("Who to write to.", "pseudonym")
    assert (number.description, number.classification) == ("Column wine_id of the raw file.", "public")


def test_the_drafted_join_advice_follows_the_key_until_people_edit_it() -> None:
    bronze, silver = Path("contracts/bronze/wine.yaml"), Path("contracts/silver/wines.yaml")
    text = bronze.read_text()
    key = "primaryKey: true\n        primaryKeyPosition: 1\n"
    text = text.replace(f"        {key}", "", 1)
    name = "- name: wine_name\n"
    bronze.write_text(text.replace(name, f"{name}        {key}", 1))
    assert run("new", "silver", "wine", "--replace").exit_code == 0
    assert "usage: Join by wine_name." in silver.read_text()
    silver.write_text(silver.read_text().replace("Join by wine_name.", "Join by wine_name, in lower case."))
    assert run("new", "silver", "wine", "--replace").exit_code == 0
    assert "usage: Join by wine_name, in lower case." in silver.read_text()


def test_an_active_model_contract_may_not_have_draft_placeholders() -> None:
    write("gold", "wine_months", MONTHS)
    run("new", "model", "wine_months")
    home = Path("contracts/gold/wine_months.yaml")
    home.write_text(home.read_text().replace("status: draft", "status: active"))
    said = run("lint").stdout
    assert said.count("draft-words") == 6  # the table, four columns, the consumer


def test_a_flat_table_shares_the_contract_of_its_view() -> None:
    write("silver", "wine_flat", FLAT)
    error = run("new", "model", "wine_flat").exception
    assert isinstance(error, ControlError)
    assert "write its view first" in error.hint
    view = (
        "-- One row per wine.\nselect cast(wine_id as bigint) as wine_id\nfrom {{ live(ref('wine_flat')) }}\n"
    )
    write("silver", "wines_all", view)
    assert run("new", "model", "wine_flat").exit_code == 0
    assert contract("silver/wine_flat").models == ("wine_flat", "wines_all")
    assert run("sync").exit_code == 0
    error = run("new", "model", "wines_all").exception
    assert isinstance(error, ControlError)
    assert "whose contract describes both" in error.message


@pytest.mark.parametrize(
    ("column", "source", "said"),
    [
        ("wine_id", "{{ ref('wines') }}", "has 'wine_id', which states no name and type"),
        ("cast(a as money) as a", "{{ ref('wines') }}", "which states no name and type"),
        ("cast(a as bigint) as a", "{{ ref('beers') }}", "reads beers, which no contract describes"),
        ("cast(a as bigint) as a", "{{ ref('wines') }}", "selects the whole key of none of its inputs"),
        ("cast(a as bigint) as a", "numbers", "reads no table of the lakehouse"),
        ("cast(a as bigint) as a", "{{ ref('wines') }} {{ config(unique_key='b') }}", "names b, which its"),
        ("cast(a as bigint) as a", "{{ ref('wines') }} {{ config(unique_key=[b]) }}", "is [b], which"),
    ],
)
def test_a_model_that_lacks_what_a_contract_needs_is_refused(column: str, source: str, said: str) -> None:
    write("gold", "odd", f"select\n    {column}\nfrom {source}\n")
    error = run("new", "model", "odd").exception
    assert isinstance(error, ControlError)
    assert said in error.message
    assert not Path("contracts/gold/odd.yaml").exists()


def test_a_model_without_a_select_at_the_start_of_a_line_is_refused() -> None:
    write("gold", "odd", "with a as (\n    select 1 from {{ ref('wines') }}\n)\n")
    error = run("new", "model", "odd").exception
    assert isinstance(error, ControlError)
    assert "has no select at the start of a line" in error.message


def test_a_missing_model_is_named() -> None:
    error = run("new", "model", "nowhere").exception
    assert isinstance(error, ControlError)
    assert "there is no model nowhere in models/silver or models/gold" in error.message
