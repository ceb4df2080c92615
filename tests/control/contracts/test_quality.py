"""Rules as SQL: what options and quality rules are rendered to, and that the SQL rejects only bad rows."""

import duckdb
import pytest

from control.contracts import quality

CHECK = {"type": "custom", "engine": "athena", "implementation": {"check": "x > 1"}, "name": "more"}
ALLOWED = {"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": [1]}}


def rules(logical: str, **more: object) -> quality.Rules:
    return quality.of_column({"name": "x", "logicalType": logical, **more}, ("x",))


@pytest.mark.parametrize(
    ("logical", "options", "sql"),
    [
        ("number", {"minimum": 0, "maximum": 5}, "x between 0 and 5"),
        ("integer", {"minimum": 1}, "x >= 1"),
        ("number", {"exclusiveMinimum": 0, "exclusiveMaximum": 1.5}, "x > 0 and x < 1.5"),
        ("string", {"minLength": 2, "maxLength": 2}, "length(x) = 2"),
        ("string", {"minLength": 1, "maxLength": 9}, "length(x) between 1 and 9"),
        ("string", {"maxLength": 9}, "length(x) <= 9"),
        ("string", {"pattern": "^[a-z]'+$"}, "regexp_like(x, '^[a-z]''+$')"),
        ("date", {"minimum": "2001-02-03"}, "x >= date '2001-02-03'"),
        ("timestamp", {"maximum": "2001-02-03T04:05:06+02:00"}, "x <= timestamp '2001-02-03 02:05:06'"),
    ],
)
def test_options_become_one_expression(logical: str, options: dict[str, object], sql: str) -> None:
    assert [check.expression for check in rules(logical, logicalTypeOptions=options).checks] == [sql]


@pytest.mark.parametrize(
    "options",
    [{"minimum": 0, "maximum": 5}, {"exclusiveMinimum": -0.5, "maximum": 5}],
    ids=["closed", "open"],
)
def test_a_check_is_true_or_null_for_good_rows_and_false_for_bad_ones(options: dict[str, object]) -> None:
    [check] = rules("number", logicalTypeOptions=options).checks
    rows = duckdb.sql(
        f"select {check.expression} from (values (0), (5), (null), (-1), (5.01)) as t(x)"
    ).fetchall()
    assert [value for (value,) in rows] == [True, True, None, False, False]


def test_a_quote_in_an_allowed_value_is_escaped() -> None:
    rule = {"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["it's", "') or (1=1"]}}
    [check] = rules("string", quality=[rule]).checks
    found = duckdb.sql(f"select {check.expression} from (values ('it''s'), ('x')) as t(x)").fetchall()
    assert found == [(True,), (False,)]


@pytest.mark.parametrize(
    ("rule", "advice"),
    [
        ({"metric": "rowCount", "mustBe": 0}, "nothing checks this rule"),
        ({"type": "text", "description": "be good"}, "nothing checks this rule"),
        ({"type": "sql", "query": "select 1", "mustBe": 0}, "nothing checks this rule"),
        ({"metric": "invalidValues", "mustBe": 0}, "arguments.validValues"),
        ({"type": "custom", "engine": "athena", "implementation": "x > 1"}, "implementation.check"),
        (
            {"type": "custom", "engine": "athena", "implementation": {"check": "x > 1; drop"}},
            "';' has no place",
        ),
        ({"type": "custom", "engine": "dbt", "implementation": {}}, "implementation.test"),
        ({"type": "custom", "engine": "dbt", "implementation": {"test": "t", "args": 1}}, "a mapping"),
        (CHECK | {"mustBeLessThan": 5, "unit": "percent"}, "it has no mustBeLessThan"),
        (CHECK | {"mustBe": 3}, "it has no mustBe but 0"),
        (CHECK | {"severity": "warning"}, "severity: warning stops nothing"),
        (ALLOWED | {"severity": "warning"}, "severity: warning stops nothing"),
        (ALLOWED | {"mustBe": 1}, "write mustBe: 0"),
        (
            {"metric": "duplicateValues", "mustBe": 0, "severity": "info"},
            "severity: info stops nothing",
        ),
        (
            {"type": "custom", "engine": "dbt", "mustBeLessThan": 5, "implementation": {"test": "t"}},
            "it has no mustBeLessThan",
        ),
    ],
)
def test_a_rule_that_nothing_would_check_is_refused(rule: dict[str, object], advice: str) -> None:
    found = rules("number", quality=[rule])
    assert (found.checks, found.tests, found.unique) == ([], [], [])
    [(path, text)] = found.problems
    assert path == ("x", "quality", 0)
    assert advice in text


def test_a_check_of_a_table_needs_a_name() -> None:
    rule = {"type": "custom", "engine": "athena", "implementation": {"check": "a < b"}}
    [(_, text)] = quality.of_table({"quality": [rule]}, ()).problems
    assert "needs a name" in text
