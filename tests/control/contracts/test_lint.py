"""Every code of the lint: a broken contract that gives it, its line, and words of its message."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import control.contracts
from control.contracts.lint import lint
from control.errors import NotFoundError, UsageError

ITEM, ITEMS, SALES, DAYS = "bronze/item", "silver/items", "silver/sales", "gold/sales_by_day"


@dataclass(frozen=True)
class Broken:
    """If `old` becomes `new` in `file`, the finding `code` has the line that starts with `at`."""

    code: str
    file: str
    old: str
    new: str
    at: str
    says: str

    def __str__(self) -> str:
        return f"{self.code}: {self.says}"


CASES = [
    Broken("yaml-syntax", ITEM, "name: Items as they came", "name: [Items", "version: 1.2.3",
        "(it starts on line 4)"),
    Broken("yaml-syntax", ITEM, "tags: [bronze]", "tags:\n\t- bronze", "- bronze",
        "cannot start any token"),
    Broken("yaml-duplicate-key", ITEM, "status: active", "status: active\nname: B", "name: B", "on line 4"),
    Broken("yaml-alias", ITEM, "tags: [bronze]", "tags: &t [bronze]\nroles: *t", "tags:", "write it out"),
    Broken("yaml-key", ITEM, "status: active", "status: active\non: 1", "on: 1", "'on' is not text"),
    Broken("yaml-value", ITEM, "version: 1.2.3", "version: 2024-13-45", "version:", "quote it"),
    Broken("odcs-type", ITEM, "version: 1.2.3", "version: 1.2", "version: 1.2", "quote it"),
    Broken("odcs-type", ITEM, "required: true", "required: maybe", "required: maybe", "must be boolean"),
    Broken("odcs-type", ITEM, "tags: [bronze]", "tags: bronze", "tags: bronze", "must be a list"),
    Broken("odcs-version", ITEM, "v3.1.0", "v3.0.2", "apiVersion: v3.0.2", "only v3.1.0"),
    Broken("odcs-unknown-key", ITEM, "status:", "satus: x\nstatus:", "satus: x", "did you mean 'status'?"),
    Broken("odcs-unknown-key", ITEM, "  usage:", "  usge: x\n  usage:", "usge: x", "did you mean 'usage'?"),
    Broken("odcs-unknown-key", ITEM, "        primaryKey: true",
        "        primaryKey: true\n        flavour: 1", "flavour: 1", "customProperties"),
    Broken("odcs-unknown-key", ITEMS, "minLength: 1", "minLenght: 1", "minLenght: 1", "'minLength'"),
    Broken("odcs-missing", ITEM, "kind: DataContract\n", "", "apiVersion: v3.1.0", "lacks 'kind'"),
    Broken("odcs-missing", ITEM, "        value: lsn\n", "", "- property: position", "lacks 'value'"),
    Broken("odcs-value", ITEM, "logicalType: number", "logicalType: money", "logicalType: money",
        "use one of"),
    Broken("odcs-value", ITEMS, "            mustBe: 0\n", "", "- name: no_test_items", "give exactly one"),
    Broken("odcs-value", ITEMS, "            mustBe: 0\n",
        "            mustBe: 0\n            mustNotBe: 1\n", "- name: no_test_items",
        "gives several of mustBe, mustNotBe"),
    Broken("file-path", ITEM, "  - name: item\n", "  - name: thing\n", "- name: thing", "item.yaml"),
    Broken("file-path", ITEM, "schema: bronze", "schema: gold", "schema: gold", "make it 'bronze'"),
    Broken("table-missing", ITEM, "schema:\n", "schema: []\nx:\n", "schema: []", "add one under schema"),
    Broken("table-several", SALES, "customProperties:\n  - p", "  - name: b\ncustomProperties:\n  - p",
        "- name: b", "a file of its own"),
    Broken("table-name", ITEM, "  - name: item\n", "  - name: Item\n", "- name: Item", "lower case"),
    Broken("table-kind", ITEM, "physicalType: table", "physicalType: topic", "physicalType: topic",
        "table or view"),
    Broken("id-invalid", ITEM, "id: 0", "id: X", "id: X0000000-0000-4000-8000-000000000001", "uuidgen"),
    Broken("id-duplicate", ITEMS, "000002", "000001", "id: 00000000-0000-4000-8000-000000000001",
        "item.yaml"),
    Broken("name-duplicate", ITEMS, "items_state", "sales_live", "- name: sales", "a table or view of"),
    Broken("version-invalid", ITEM, "1.2.3", "v1", "version: v1", "write 1.0.0"),
    Broken("status-invalid", ITEM, "status: active", "status: fine", "status: fine", "deprecated"),
    Broken("owner-missing", ITEM, "role: owner", "role: guest", "team:", "role owner"),
    Broken("consumers-missing", ITEM, "property: consumers", "property: readers", "customProperties:",
        "name, contact and use"),
    Broken("consumer-invalid", ITEM, "        use: Reads it.\n", "", "- name: silver.items", "each a text"),
    Broken("consumer-unknown", ITEM, "name: silver.items", "name: silver.goods", "- name: silver.goods",
        "correct the name"),
    Broken("description-missing", ITEM, "  usage: Join by item_id.\n", "", "description:", "no usage"),
    Broken("description-missing", ITEM, "        description: Its price in euro.\n", "", "- name: price",
        "column price has no description"),
    Broken("description-missing", ITEM, "    dataGranularityDescription: One row per record.\n", "",
        "- name: item", "no dataGranularityDescription"),
    Broken("sla-missing", ITEM, "property: retention", "property: latency", "slaProperties:",
        "no retention"),
    Broken("sla-invalid", ITEM, "unit: y", "unit: fortnights", "- property: retention", "h, d or y"),
    Broken("sla-invalid", ITEM, "value: 24", "value:", "- property: freshness", "freshness is empty"),
    Broken("property-duplicate", ITEM, "        value: lsn\n",
        "        value: lsn\n      - property: position\n        value: number\n", "- property: position",
        "twice"),
    Broken("budget-invalid", SALES, "\ncustomProperties:\n", "\ncustomProperties:\n  - property: budget\n"
        "    value: {scan: 0.5}\n", "- property: budget", "a number of at least 1"),
    Broken("budget-invalid", SALES, "\ncustomProperties:\n", "\ncustomProperties:\n  - property: budget\n"
        "    value: {scans: 2}\n", "- property: budget", "{scan: 1.5}"),
    Broken("column-duplicate", ITEM, "name: price", "name: ITEM_NAME", "- name: ITEM_NAME",
        "already on line 48"),
    Broken("column-name", ITEM, "name: price", "name: Price", "- name: Price", "lower case"),
    Broken("column-name", ITEM, "name: price", "name: _price", "- name: _price", "the lakehouse's own"),
    Broken("column-name", ITEM, "name: price", "name: order", "- name: order", "an SQL keyword"),
    Broken("column-name", ITEM, "name: price", "name: batch", "- name: batch", "is partitioned by it"),
    Broken("type-unknown", ITEM, "decimal(10,2)", "numeric(10,2)", "physicalType: numeric(10,2)",
        "decimal(p,s)"),
    Broken("type-unknown", ITEM, "decimal(10,2)", "decimal(10)", "physicalType: decimal(10)",
        "precision and scale"),
    Broken("type-unknown", ITEM, "        physicalType: decimal(10,2)\n", "", "- name: price",
        "give physicalType"),
    Broken("type-mismatch", ITEM, "logicalType: number", "logicalType: string", "logicalType: string",
        "decimal(10,2) needs number or integer"),
    Broken("classification-invalid", ITEM, "classification: personal", "classification: secret",
        "classification: secret", "pseudonym"),
    Broken("key-missing", DAYS, "        primaryKey: true\n", "", "- name: sales_by_day",
        "primaryKeyPosition"),
    Broken("key-position", ITEM, "primaryKeyPosition: 1", "primaryKeyPosition: 2", "primaryKeyPosition: 2",
        "1, 2, 3"),
    Broken("key-type", DAYS, "logicalType: integer\n        physicalType: bigint\n        required: true\n"
        "        primaryKey: true", "logicalType: number\n        physicalType: double\n"
        "        required: true\n        primaryKey: true", "physicalType: double", "use decimal(p,s) or"),
    Broken("key-nullable", DAYS, "        required: true\n        primaryKey", "        primaryKey",
        "- name: item_id", "add required: true"),
    Broken("quality-invalid", ITEMS, "engine: athena", "engine: soda", "- name: sold_in_seconds",
        "nothing checks this rule"),
    Broken("quality-invalid", ITEMS, "maximum: 1000.5", "multipleOf: 5", "logicalTypeOptions:",
        "multipleOf"),
    Broken("quality-invalid", ITEMS, "name: no_test_items", "name: sold_in_seconds", "quality:",
        "its own name"),
    Broken("quality-invalid", DAYS, "[sold_on, day_rank]", "[sold_on, rank]", "quality:",
        "rank, no column"),
    Broken("quality-invalid", SALES, '"2001-01-01"', "today", "logicalTypeOptions:", "ISO 8601"),
    Broken("quality-invalid", ITEMS, "            mustBe: 0", "            mustBe: 3",
        "- name: no_test_items", "write mustBe: 0"),
    Broken("quality-invalid", ITEMS, "4102444799", "(4102444799", "- name: sold_in_seconds", "brackets"),
    Broken("quality-column", ITEMS, "check: sold_time", "check: sold_at", "quality:",
        "sold_in_seconds names sold_at"),
    Broken("reference-invalid", SALES, "properties/item_id", "properties/id", "relationships:",
        "not there"),
    Broken("reference-invalid", SALES, "items.yaml#/schema/items/properties/item_id", "items.item_id",
        "relationships:", "<file>.yaml#/schema"),
    Broken("circular-key", ITEMS, "        primaryKeyPosition: 1\n", "        primaryKeyPosition: 1\n"
        "        relationships:\n          - to: sales.yaml#/schema/sales/properties/item_id\n",
        "- to: sales.yaml", "no row can be there before the other"),
    Broken("circular-source", ITEM, "      - name: silver.items", "      - name: bronze.item",
        "- name: bronze.item", "cannot be built from itself"),
    Broken("bronze-property", ITEM, "property: maxBadRatio", "property: badRatio", "- property: badRatio",
        "maxBadRatio"),
    Broken("bronze-property", ITEM, "property: maxBadRatio\n        value: 0.05",
        "property: sourceSchema\n        value: shop%", "value: shop%", "name of one schema"),
    Broken("bronze-property", ITEM, "value: lsn", "value: null", "value: null", '"null" in quotes'),
    Broken("bronze-property", ITEM, "property: token", "property: hash", "- property: hash", "has token"),
    Broken("bronze-refused", ITEM, "value: lsn", "value: offset", "value: offset", "set it to lsn"),
    Broken("bronze-refused", ITEM, "value: 0.05", "value: 5", "value: 5", "from 0 to 1"),
    Broken("bronze-refused", ITEM, "property: maxBadRatio\n        value: 0.05",
        "property: delimiter\n        value: ';;'", "value: ';;'", "one ASCII character"),
    Broken("bronze-refused", ITEM, "property: maxBadRatio\n        value: 0.05",
        "property: records\n        value: rows", "value: rows", "change or debezium or plain"),
    Broken("bronze-refused", ITEM, "logicalType: number\n        physicalType: decimal(10,2)",
        "logicalType: object\n        physicalType: map<int,string>", "physicalType: map<int,string>",
        "map<string,type>"),
    Broken("bronze-refused", ITEM, "property: position", "property: absent", "- name: item",
        "position` is missing"),
    Broken("quality-bronze", ITEM, "description: Its price in euro.",
        "description: Its price in euro.\n        logicalTypeOptions: {minimum: 0}", "- name: price",
        "to silver"),
    Broken("token-missing", ITEM, "            value: true", "            value: false",
        "classification: personal", "token: true"),
    Broken("bronze-refused", ITEM,
        "name: sold_time\n        logicalType: integer\n        physicalType: bigint",
        "name: price_us\n        logicalType: timestamp\n        physicalType: timestamp\n"
        "        description: x.\n        classification: public\n"
        "      - name: price_us_us\n        logicalType: integer\n        physicalType: bigint",
        "properties:", "a timestamp `<column>_us`"),
    Broken("token-misplaced", ITEMS, "property: stateColumn\n            value: seller_email_token",
        "property: token\n            value: true", "customProperties:", "in bronze"),
    Broken("silver-missing", ITEMS, "value: bronze.item", "value: bronze.items", "- name: item",
        "no silver contract names bronze.item"),
    Broken("silver-property", ITEMS, "value: bronze.item", "value: bronze.items", "customProperties:",
        "no bronze contract has that name"),
    Broken("silver-property", ITEMS, "      - property: stateTable\n        value: items_state\n", "",
        "customProperties:", "both custom properties"),
    Broken("consumer-unknown", ITEMS, "use: Reads it.", "use: Reads it.\n        columns: [prices]",
        "columns: [prices]", "reads prices, no column"),
    Broken("silver-property", ITEMS, "value: items_state", "value: Items", "customProperties:",
        "stateTable is 'Items'"),
    Broken("silver-property", ITEMS, "property: stateColumn\n            value: sold_time",
        "property: source\n            value: sold_time", "- property: source",
        "'source': a column has"),
    Broken("silver-mismatch", ITEMS, "        unique: true\n",
        "        primaryKey: true\n        primaryKeyPosition: 2\n", "- name: items",
        "must be that of contracts/bronze/item.yaml, item_id"),
    Broken("silver-mismatch", ITEMS, "            value: sold_time\n",
        "            value: sold_time\n        unique: true\n", "- name: sold_at", "as rules of the table"),
    Broken("silver-property", SALES, "property: liveView", "property: view", "customProperties:",
        "unknown custom property 'view'"),
    Broken("silver-property", DAYS, "description: The day.\n", "description: The day.\n"
        "        customProperties: [{property: generated, value: ''}]\n", "customProperties: [{",
        "what makes its values"),
    Broken("silver-mismatch", ITEMS, "physicalType: decimal(10,2)", "physicalType: double", "- name: price",
        "decimal(10,2), not required"),
    Broken("silver-mismatch", ITEMS, "value: sold_time", "value: sold_date", "- name: sold_at",
        "no column sold_date"),
    Broken("silver-mismatch", ITEMS, "value: sold_time", "value: sold_date", "properties:",
        "column sold_time of contracts/bronze/item.yaml is missing"),
    Broken("silver-mismatch", ITEMS,
        "logicalType: string\n        physicalType: string\n        description: Token",
        "logicalType: integer\n        physicalType: bigint\n        description: Token",
        "physicalType: bigint",
        "write string, not bigint"),
    Broken("draft-words", ITEMS, "Items that are not deleted.", "Drafted from a raw file of items.",
        "description: Drafted from a raw file of items.", "the status is active"),
    Broken("draft-words", ITEMS, "Its price in euro.", "Column price of the raw file.",
        "description: Column price of the raw file.", "column price"),
    Broken("draft-words", DAYS, "name: shop\n", "name: to-be-named\n", "customProperties:", "name who reads"),
    Broken("silver-personal", ITEMS, "value: seller_email_token", "value: seller_email", "- name: seller",
        "show its token"),
    Broken("silver-personal", DAYS, "classification: public", "classification: personal", "- name: item_id",
        "stays in bronze and state"),
]  # fmt: skip


def broken(tree: Path, file: str, old: str, new: str) -> int:
    """Replace `old` once in a file of the tree; return the line on which the new text ends."""
    path = tree / f"{file}.yaml"
    before, found, after = path.read_text().partition(old)
    assert found
    path.write_text(f"{before}{new}{after}")
    return f"{before}{new}".rstrip().count("\n") + 1


def test_a_cycle_is_reported_with_all_its_lines_in_each_file(tree: Path) -> None:
    """Gold claims to be built from silver, silver from bronze, and bronze from gold."""
    source = "        classification: public\n        transformSourceObjects: [{}]\n"
    public = "        classification: public\n"
    gold = broken(tree, DAYS, public, source.format("silver.items.item_id"))
    bronze = broken(tree, ITEM, public, source.format("gold.sales_by_day"))
    found = [f for f in lint([tree]).findings if f.code == "circular-source"]
    places = {(f.file, f.line) for f in found}
    assert places >= {("contracts/gold/sales_by_day.yaml", gold), ("contracts/bronze/item.yaml", bronze)}
    assert "contracts/silver/items.yaml" in {file for file, _ in places}
    [of_gold] = [f.message for f in found if f.file == "contracts/gold/sales_by_day.yaml"]
    assert f"gold.sales_by_day -> silver.items (contracts/gold/sales_by_day.yaml:{gold})" in of_gold
    assert f"bronze.item -> gold.sales_by_day (contracts/bronze/item.yaml:{bronze})" in of_gold
    assert "silver.items -> bronze.item (contracts/" in of_gold


def test_a_table_may_refer_to_itself_but_a_column_may_not(tree: Path) -> None:
    link = "        primaryKeyPosition: 1\n        relationships:\n          - to: items.yaml#/schema/items/"
    broken(tree, ITEMS, "        primaryKeyPosition: 1\n", f"{link}properties/price\n")
    assert [f.code for f in lint([tree]).findings if f.code == "circular-key"] == []
    line = broken(tree, ITEMS, "properties/price\n", "properties/item_id\n")
    [finding] = [f for f in lint([tree]).findings if f.code == "circular-key"]
    assert (finding.line, "silver.items -> silver.items" in finding.message) == (line, True)


def test_the_good_tree_has_no_findings(tree: Path) -> None:
    assert lint([tree]).findings == ()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_broken_contract_has_the_finding_at_its_line(tree: Path, case: Broken) -> None:
    path = tree / f"{case.file}.yaml"
    text = path.read_text()
    assert case.old in text
    path.write_text(text.replace(case.old, case.new))
    found = [
        (Path(f.file).read_text().splitlines()[f.line - 1], f.message)
        for f in lint([tree]).findings
        if f.code == case.code
    ]
    assert any(line.strip().startswith(case.at) and case.says in message for line, message in found), found


def test_a_file_that_is_not_utf8_is_a_finding_with_its_line(tree: Path) -> None:
    path = tree / "bronze/item.yaml"
    path.write_bytes(path.read_bytes().replace(b"Items as they came", b"Caf\xe9"))
    [finding] = lint([path]).findings
    assert (finding.code, finding.file, finding.line) == ("yaml-encoding", "contracts/bronze/item.yaml", 4)


def test_every_code_of_the_lint_has_a_case_above() -> None:
    folder = Path(control.contracts.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("*.py"))
    codes = set(re.findall(r'[Ff]inding\(\s*"([a-z-]+)"', text))
    assert codes - {case.code for case in CASES} == {
        "yaml-encoding",
        "model-uncontracted",
        "consumer-unnamed",
    }  # have their own tests


def test_a_bronze_table_may_not_have_the_name_of_anothers_events(tree: Path) -> None:
    item = (tree / "bronze/item.yaml").read_text()
    file = tree / "bronze/item_events.yaml"
    file.write_text(
        re.sub("^id: .", "id: 0", item.replace("name: item\n", "name: item_events\n"), flags=re.M)
    )
    found = [f.message for f in lint([tree]).findings if f.code == "name-duplicate"]
    assert len(found) == 1
    assert "bronze.item_events is already a table of" in found[0]


def test_a_file_outside_a_layer_folder_is_a_finding(tree: Path) -> None:
    (tree / "bronze/item.yaml").rename(tree / "item.yaml")
    assert "file-path" in {f.code for f in lint([tree / "item.yaml"]).findings}


def test_a_contract_with_the_extension_yml_is_a_finding(tree: Path) -> None:
    (tree / "gold/sales_by_day.yaml").rename(tree / "gold/sales_by_day.yml")
    assert "file-path" in {f.code for f in lint([tree / "gold"]).findings}


def test_an_empty_file_is_a_finding(tree: Path) -> None:
    (tree / "bronze/item.yaml").write_text("")
    [finding] = lint([tree]).findings
    assert (finding.code, finding.line) == ("yaml-syntax", 1)
    assert "write a contract into it" in finding.message


def test_a_broken_file_causes_no_findings_in_files_that_refer_to_it(tree: Path) -> None:
    (tree / "silver/items.yaml").write_text("a: [")
    assert {f.file for f in lint([tree]).findings} == {"contracts/silver/items.yaml"}


def test_only_the_given_files_have_findings_but_names_resolve_in_the_whole_tree(tree: Path) -> None:
    (tree / "gold/sales_by_day.yaml").write_text("a: [")
    report = lint([tree / "silver/sales.yaml"])
    assert (report.files, report.findings) == (("contracts/silver/sales.yaml",), ())


def test_findings_are_ordered_by_file_and_line(tree: Path) -> None:
    for path in tree.rglob("*.yaml"):
        path.write_text(path.read_text().replace("classification: public", "classification: x"))
    places = [(f.file, f.line) for f in lint([tree]).findings]
    assert len(places) > 10
    assert places == sorted(places)


def test_a_missing_path_is_a_usage_error(tree: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file or folder: nowhere"):
        lint([Path("nowhere")])


def test_a_folder_without_contracts_is_a_usage_error(tree: Path) -> None:
    Path("empty").mkdir()
    with pytest.raises(UsageError, match="no contract below"):
        lint([Path("empty")])
