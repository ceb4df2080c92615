"""Reading bronze contracts: what the parser gets from them, and how errors in them are reported."""

from pathlib import Path

import pytest
from raw_files import contract, contract_text

from bronze.contract import PARSER_REVISION, load, loads
from bronze.dialect import Dialect
from bronze.errors import ContractError
from bronze.limits import DEFAULT_LIMITS

CONTRACTS = Path(__file__).parents[2] / "contracts" / "bronze"
GOOD = contract_text("id bigint key", "name string? token", "score double?")


@pytest.mark.parametrize("path", sorted(CONTRACTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_contracts_of_this_repository_are_valid(path):
    found = load(path)
    assert found.table == path.stem
    assert found.key == (found.columns[0].name,)


def test_a_contract_sets_how_its_files_are_read():
    defaults = contract("id bigint key")
    assert (defaults.unknown_keys, defaults.absent, defaults.csv.multiline) == ("freeze", "quarantine", False)
    assert (defaults.max_bad_records, defaults.max_bad_ratio, defaults.before_image) == (
        100,
        0.05,
        "optional",
    )
    found = contract(
        "id bigint key", position="binlog", unknownKeys="evolve", absent="null", multiline=True,
        maxBadRecords=0, maxBadRatio=1, beforeImage="required",
    )  # fmt: skip
    assert (found.position, found.unknown_keys, found.absent, found.csv.multiline) == (
        "binlog",
        "evolve",
        "null",
        True,
    )
    assert (found.max_bad_records, found.max_bad_ratio, found.before_image) == (0, 1, "required")


def test_a_contract_sets_the_csv_dialect():
    assert contract("id bigint key").csv == Dialect(",", '"', None, header=True, multiline=False)
    found = contract("id bigint key", delimiter="\t", quote="'", escape="\\", header=False).csv
    assert found == Dialect("\t", "'", "\\", header=False, multiline=False)
    assert contract("id bigint key", quote="none", escape="double").csv.quote is None


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        *(({"delimiter": text}, "delimiter") for text in ("", ";;", "a", "7", "-", ".", " ", "\n", "é", '"')),
        *(({"quote": text}, "quote") for text in ("", "''", "a", ",", "+")),
        *(({"escape": text}, "escape") for text in ("", "\\\\", ",", '"', "n")),
        ({"quote": "none", "multiline": True}, "quote"),
        ({"quote": "none", "escape": "\\"}, "quote"),
        ({"escape": "\\", "multiline": True}, "multiline"),
    ],
)
def test_a_dialect_that_cannot_be_read_exactly_is_refused(settings, wrong):
    wrong = "quote" if settings == {"delimiter": '"'} else wrong
    with pytest.raises(ContractError, match=f"the custom property `{wrong}` must be"):
        contract("id bigint key", **settings)


def test_a_contract_can_set_the_caps():
    assert contract("id bigint key").limits == DEFAULT_LIMITS
    found = contract("id bigint key", maxLineBytes=7, maxInflatedBytes=8, maxInflationRatio=9).limits
    assert (found.line_bytes, found.inflated_bytes, found.ratio) == (7, 8, 9)
    for name in ("maxLineBytes", "maxInflatedBytes", "maxInflationRatio"):
        with pytest.raises(ContractError, match=f"`{name}` is 0"):
            contract("id bigint key", **{name: 0})


def test_tokens_follow_their_columns_and_the_parsers_columns_come_last():
    names = [name for name, _ in loads(GOOD, "thing.yaml").hive_columns]
    technical = ["_seq", "_rev", "_op", "_key_before", "_committed_at", "_file_id", "_line", "_record"]
    assert names == ["id", "name", "name_token", "score", *technical]
    evolving = contract("id bigint key", unknownKeys="evolve")
    assert [name for name, _ in evolving.hive_columns] == ["id", "_rescued", *technical]


def test_a_top_level_timestamp_has_a_column_of_microseconds_and_a_nested_one_has_none():
    rules = contract("at timestamp key", "n int", "Until timestamp? raw=x", "w struct<at:timestamp>")
    own = rules.hive_columns[:-8]
    assert [name for name, _ in own] == ["at", "at_us", "n", "Until", "Until_us", "w"]
    assert dict(own)["at_us"] == "bigint"
    assert dict(own)["at"] == "timestamp", "other engines read it exactly"


def test_the_key_follows_the_positions_that_the_contract_gives():
    text = contract_text("a bigint key", "b bigint", "c bigint key")
    ordered = text.replace("primaryKey: true", "primaryKey: true\n        primaryKeyPosition: 2", 1)
    assert loads(text, "t").key == ("a", "c")
    assert loads(ordered.replace("c\n", "c\n        primaryKeyPosition: 1\n"), "t").key == ("c", "a")


@pytest.mark.parametrize(
    ("older", "newer"), [("1.2.3", "1.2.4"), ("1.2.999", "1.3.0"), ("1.999.999", "2.0.0"), ("0.0.0", "0.0.1")]
)
def test_the_revision_rises_with_the_version(older, newer):
    old, new = (contract("id bigint key", version=version) for version in (older, newer))
    assert old.revision_at(0) < new.revision_at(0)


def test_the_revision_rises_with_each_new_token_key():
    old, new = (contract("id bigint key", version=version) for version in ("999.999.999", "0.0.1"))
    assert old.revision_at(0) < new.revision_at(1) < old.revision_at(1) < new.revision_at(2)


def test_the_revision_rises_with_the_parser_first():
    assert contract("id bigint key", version="999.999.999").revision_at(0) < (PARSER_REVISION + 1) * 10**9


@pytest.mark.parametrize(("written", "read"), [
    ("DECIMAL(10, 2)", "decimal(10,2)"),
    ("BigInt", "bigint"),
    ("ARRAY<Int>", "array<int>"),
    ("Struct<a: array<decimal(5, 2)>, b_2: map<string, struct<c: Date>>>",
     "struct<a:array<decimal(5,2)>,b_2:map<string,struct<c:date>>>"),
])  # fmt: skip
def test_a_type_may_be_written_in_any_case(written, read):
    text = contract_text("id bigint key", "value double").replace("double", f'"{written}"')
    assert loads(text, "t").columns[1].type == read


@pytest.mark.parametrize(
    "kind", ["binary", "float", "double", "array<int>", "map<string,int>", "struct<a:int>"]
)
def test_key_columns_have_plain_and_exact_types(kind):
    with pytest.raises(ContractError, match="a key is made of plain, exact values"):
        contract(f"id {kind} key")


def test_a_key_column_is_always_required():
    assert contract("id bigint? key").columns[0].required


BROKEN = [
    ("", "t.yaml", "is not a data contract"),
    ("- a\n", "t.yaml", "is not a data contract"),
    ("kind: DataContract\nversion: [", "t.yaml:3", "not valid YAML"),
    ("kind: DataContract\nversion: 1\n version: 2", "t.yaml:3", "not valid YAML"),
    ("a: 1\nb: \x01\n", "t.yaml", "not valid YAML"),
    ("kind: DataContract\nversion: 1.0.0\nversion: 1.0.1", "t.yaml:3", "`version` is given twice"),
    ("kind: DataContract\nschema: []", "t.yaml:2", "exactly one table"),
    ("kind: DataContract", "t.yaml:1", "exactly one table"),
    (GOOD.replace("1.2.3", "1.2"), "t.yaml:3", "`version` must be major.minor.patch"),
    (GOOD.replace("1.2.3", "1.2.1000"), "t.yaml:3", "`version` must be major.minor.patch"),
    (GOOD.replace("version: 1.2.3\n", ""), "t.yaml:1", "`version` must be major.minor.patch"),
    (GOOD.replace("name: thing", "name: 5"), "t.yaml:5", "`name` must be a text, not 5"),
    (GOOD.replace('"lsn"', '"wal"'), "t.yaml:8", "`position` is 'wal'"),
    (GOOD.replace("position", "place"), "t.yaml:5", "`position` is missing"),
    (contract_text("id bigint key", unknownKeys="keep"), "t.yaml:10", "`unknownKeys` is 'keep'"),
    (contract_text("id bigint key", records="row"), "t.yaml:10", "`records` is 'row'"),
    (contract_text("id bigint key", absent=True), "t.yaml:10", "`absent` is True"),
    (contract_text("id bigint key", multiline="yes"), "t.yaml:10", "`multiline` is 'yes'"),
    (
        contract_text("id bigint key", "value int raw=_seq"),
        "t.yaml:19",
        "`_seq` is a name that the parser keeps",
    ),
    (contract_text("id bigint key", "value int raw='a\"b'"), "t.yaml:19", "has a quote"),
    (contract_text("id bigint key", "value int raw=5"), "t.yaml:19", "`rawName` is 5"),
    (contract_text("id bigint key raw=A", "value int raw=A"), "t.yaml:9", "two columns are called `A`"),
    (contract_text("id bigint key", maxBadRecords=-1), "t.yaml:10", "`maxBadRecords` is -1"),
    (contract_text("id bigint key", maxBadRatio=1.5), "t.yaml:10", "`maxBadRatio` is 1.5"),
    (contract_text("id bigint key", beforeImage="no"), "t.yaml:10", "`beforeImage` is 'no'"),
    (contract_text("id bigint"), "t.yaml:9", "no column is marked `primaryKey: true`"),
    (contract_text(), "t.yaml:9", "has no `properties`"),
    (contract_text("id bigint key", "ID string"), "t.yaml:9", "the column `id` is there twice"),
    (
        contract_text("a string key token", "a_token string"),
        "t.yaml:9",
        "the column `a_token` is there twice",
    ),
    (
        contract_text("id bigint key", "at timestamp", "At_us bigint"),
        "t.yaml:9",
        "the column `at_us` is there twice",
    ),
    (contract_text("_id bigint key"), "t.yaml:10", "takes a name that the parser keeps"),
    (contract_text(r'"a\nb" bigint key'), "t.yaml:10", "has a quote, a backslash or a control character"),
    (contract_text("a\\b bigint key"), "t.yaml:10", "has a quote, a backslash or a control character"),
    (contract_text("'a\"b' bigint key"), "t.yaml:10", "has a quote, a backslash or a control character"),
    (contract_text("id bigint key token"), "t.yaml:16", "tokens are made of string"),
    (GOOD.replace("required: true", "required: 1"), "t.yaml:12", "`required` of `id` must be true or false"),
    (GOOD.replace("physicalType: bigint", "x: y"), "t.yaml:10", "`physicalType` must be a text"),
    (GOOD.replace("- property: token", "- token: true"), "t.yaml:17", "`customProperties` must be a list"),
]


@pytest.mark.parametrize(("text", "place", "words"), BROKEN)
def test_a_broken_contract_is_reported_with_its_position(text, place, words):
    with pytest.raises(ContractError) as raised:
        loads(text, "t.yaml")
    assert raised.value.message.startswith(f"{place}: ")
    assert words in raised.value.message


OTHER_TYPES = [
    *(
        "array<>",
        "array<int,int>",
        "array<text>",
        "struct<a>",
        "struct<a:int,a:int>",
        "struct<A:int>",
        "struct<>",
        "map<string>",
        "map<int,int>",
        "map<string,int",
        "tinyint",
        "smallint",
        "varchar(10)",
        "char(3)",
        "text",
    ),
    *("decimal", "decimal(39,0)", "decimal(5,6)", "decimal(0,0)", "timestamp(3)"),
]


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_a_type_that_the_parser_cannot_read_is_named(kind):
    text = contract_text("id bigint key", "value double").replace("double", f'"{kind}"')
    with pytest.raises(ContractError, match=r"t\.yaml:15: the column `value` has the type") as raised:
        loads(text, "t.yaml")
    assert kind in raised.value.message
    assert "decimal(p,s)" in raised.value.hint


def test_an_unreadable_file_is_reported(tmp_path):
    with pytest.raises(ContractError, match="cannot be read: No such file"):
        load(tmp_path / "absent.yaml")
    with pytest.raises(ContractError, match="cannot be read: Is a directory"):
        load(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9")
    with pytest.raises(ContractError, match="is not UTF-8 at byte 6"):
        load(tmp_path / "latin.yaml")
