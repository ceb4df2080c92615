"""Turn the quality rules of a contract into SQL checks, dbt tests and groups of unique columns.

Only rules that something checks are accepted; any other is reported as a problem.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from control.contracts import expression
from control.contracts.model import Check, Severity, Test
from control.contracts.source import Path

_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


class RuleError(Exception):
    """A rule that nothing can check; the text says why, and what to write instead."""


@dataclass(slots=True)
class Rules:
    """The rules of one column or table; `problems` has the place and the message of each refused rule."""

    checks: list[Check] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    unique: list[tuple[str, ...]] = field(default_factory=list)
    problems: list[tuple[Path, str]] = field(default_factory=list)


def of_column(column: Mapping[str, object], path: Path) -> Rules:
    """Return the rules in a column's `logicalTypeOptions` and `quality`."""
    rules = Rules()
    name, logical = str(column.get("name")), str(column.get("logicalType"))
    options = column.get("logicalTypeOptions")
    if isinstance(options, dict):
        try:
            rules.checks += _from_options(name, logical, options)
        except RuleError as error:
            rules.problems.append(((*path, "logicalTypeOptions"), str(error)))
    _add_quality(rules, column, path, name)
    return rules


def of_table(table: Mapping[str, object], path: Path) -> Rules:
    """Return the rules in a table's `quality`."""
    rules = Rules()
    _add_quality(rules, table, path, "")
    return rules


def _add_quality(rules: Rules, owner: Mapping[str, object], path: Path, column: str) -> None:
    quality = owner.get("quality")
    for index, rule in enumerate(quality if isinstance(quality, list) else []):
        try:
            _add_rule(rules, rule, column)
        except RuleError as error:
            rules.problems.append(((*path, "quality", index), str(error)))


def _add_rule(rules: Rules, rule: Mapping[str, object], column: str) -> None:
    metric = rule.get("metric")
    if metric == "invalidValues" and column:
        _refuse_warning(rule)
        rules.checks.append(_valid_values(rule, column))
    elif metric == "duplicateValues":
        _must_be_zero(rule)
        _refuse_warning(rule)
        rules.unique.append(_unique_columns(rule, column))
    elif rule.get("type") == "custom" and rule.get("engine") == "athena":
        _refuse_threshold(rule)
        _refuse_warning(rule)
        rules.checks.append(_custom_check(rule, column))
    elif rule.get("type") == "custom" and rule.get("engine") == "dbt":
        _refuse_threshold(rule)
        rules.tests.append(_dbt_test(rule))
    else:
        raise RuleError(
            "nothing checks this rule: use metric invalidValues (on a column) or duplicateValues, "
            "or type custom with engine athena (implementation.check) or dbt (implementation.test)"
        )


def _from_options(name: str, logical: str, options: Mapping[str, object]) -> Iterator[Check]:
    unchecked = set(options) - set(_BOUNDS) - {"minLength", "maxLength", "pattern"}
    if unchecked:
        raise RuleError(f"nothing checks {', '.join(sorted(unchecked))}: write a quality rule or remove it")
    bounds = {key: _literal(options[key], logical) for key in _BOUNDS if key in options}
    if {"minimum", "maximum"} == bounds.keys():
        yield Check(f"{name}_range", f"{name} between {bounds['minimum']} and {bounds['maximum']}")
    elif bounds:
        text = " and ".join(f"{name} {_BOUNDS[key]} {value}" for key, value in bounds.items())
        yield Check(f"{name}_range", text)
    low, high = options.get("minLength"), options.get("maxLength")
    if low is not None or high is not None:
        yield Check(f"{name}_length", _length(name, low, high))
    if "pattern" in options:
        yield Check(f"{name}_pattern", f"regexp_like({name}, {_literal(options['pattern'], 'string')})")


def _length(name: str, low: object, high: object) -> str:
    if low == high:
        return f"length({name}) = {low}"
    if low is None:
        return f"length({name}) <= {high}"
    return f"length({name}) >= {low}" if high is None else f"length({name}) between {low} and {high}"


def _valid_values(rule: Mapping[str, object], column: str) -> Check:
    _must_be_zero(rule)
    arguments = rule.get("arguments")
    values = arguments.get("validValues") if isinstance(arguments, dict) else None
    if not isinstance(values, list) or not values:
        raise RuleError("invalidValues needs arguments.validValues, a list of what is allowed")
    listed = ", ".join(_literal(v, "string" if isinstance(v, str) else "number") for v in values)
    return Check(_name(rule, f"{column}_values"), f"{column} in ({listed})", _text(rule))


def _unique_columns(rule: Mapping[str, object], column: str) -> tuple[str, ...]:
    if column:
        return (column,)
    arguments = rule.get("arguments")
    names = arguments.get("properties") if isinstance(arguments, dict) else None
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names) or not names:
        raise RuleError("duplicateValues on a table needs arguments.properties, the columns unique together")
    return tuple(names)


def _custom_check(rule: Mapping[str, object], column: str) -> Check:
    implementation = rule.get("implementation")
    text = implementation.get("check") if isinstance(implementation, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise RuleError("engine athena needs implementation.check, SQL that is true or null for a good row")
    if wrong := expression.problem(text):
        raise RuleError(wrong)
    name = _name(rule, f"{column}_check" if column else "")
    if not name:
        raise RuleError("a check on the table needs a name, for the message when a row breaks it")
    return Check(name, " ".join(text.split()), _text(rule))


def _dbt_test(rule: Mapping[str, object]) -> Test:
    implementation = rule.get("implementation")
    name = implementation.get("test") if isinstance(implementation, dict) else None
    if not isinstance(implementation, dict) or not isinstance(name, str):
        raise RuleError("engine dbt needs implementation.test, the name of a generic test")
    arguments = implementation.get("arguments", {})
    if not isinstance(arguments, dict) or set(implementation) - {"test", "arguments"}:
        raise RuleError("engine dbt takes implementation.test and implementation.arguments, a mapping")
    severity: Severity = "warning" if rule.get("severity") == "warning" else "error"
    return Test(name, arguments, severity, _text(rule))


def _must_be_zero(rule: Mapping[str, object]) -> None:
    if rule.get("mustBe") != 0:
        raise RuleError(f"{rule['metric']} is checked row by row: write mustBe: 0")


def _refuse_threshold(rule: Mapping[str, object]) -> None:
    for key, value in rule.items():
        if key.startswith(("mustBe", "mustNotBe")) and (key, value) != ("mustBe", 0):
            told = "mustBe but 0" if key == "mustBe" else key
            raise RuleError(
                f"a rule stops at the first row that breaks it, so it has no {told}: write mustBe: 0 or "
                "nothing, and count in a dbt test of your own (type custom, engine dbt)"
            )


def _refuse_warning(rule: Mapping[str, object]) -> None:
    severity = rule.get("severity", "error")
    if severity != "error":
        raise RuleError(
            f"severity: {severity} stops nothing, and this rule is checked before rows are published: "
            "leave it out, or write a dbt test (type custom, engine dbt), which may warn"
        )


def _literal(value: object, logical: str) -> str:
    """Return `value` as an SQL literal of Athena."""
    if logical == "string":
        return "'" + str(value).replace("'", "''") + "'"
    try:
        if logical == "date":
            return f"date '{date.fromisoformat(str(value)).isoformat()}'"
        if logical == "timestamp":
            moment = datetime.fromisoformat(str(value))
            if moment.tzinfo:
                moment = moment.astimezone(UTC).replace(tzinfo=None)
            return f"timestamp '{moment.isoformat(sep=' ')}'"
    except ValueError:
        raise RuleError(f"{value!r} is not an ISO 8601 {logical}: write it like 2024-01-31") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RuleError(f"{value!r} is not a number")
    return str(value)


def _name(rule: Mapping[str, object], default: str) -> str:
    name = rule.get("name")
    return name if isinstance(name, str) else default


def _text(rule: Mapping[str, object]) -> str:
    text = rule.get("description")
    return " ".join(text.split()) if isinstance(text, str) else ""
