"""Nested calls: the SQL grows linearly, not exponentially, and DuckDB plans it quickly."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from localcloud.athena.dialect import parse
from localcloud.athena.errors import AthenaError
from localcloud.athena.translate import once
from localcloud.athena.translate.translator import translate

HERE = Path(__file__).parent
SWEEP = int(os.environ.get("SWEEP", "1"))
DEPTH = 8
MOST = 40_000

Asked = dict[str, Any]
Ask = Callable[[str], Asked]
Verdict = Callable[[Asked, Asked], str]

# Calls that no signature describes; each returns the type that it takes.
WRITTEN = {
    "array(integer)": (
        "transform({}, e -> e + 1)",
        "filter({}, e -> e > 1)",
        "zip_with({}, {}, (a, b) -> a + b)",
        "array_sort({}, (a, b) -> if(a < b, 1, if(a = b, 0, -1)))",
        "sequence(1, 3) || {}",
        "transform(zip({}, {}), e -> e[1])",
        "combinations({}, 2)[1]",
        "array[{}][1]",
        "cast(cast({} as array(bigint)) as array(integer))",
        "cast(cast({} as json) as array(integer))",
        "transform(array[1], e -> reduce({}, 0, (s, i) -> s + i, s -> s))",
        "if({} = array[1], {}, array[2])",
    ),
    "map(varchar, integer)": (
        "map_filter({}, (k, v) -> v > 1)",
        "transform_values({}, (k, v) -> v + 1)",
        "transform_keys({}, (k, v) -> k || 'x')",
        "map_zip_with({}, {}, (k, a, b) -> a + b)",
        "cast(cast({} as map(varchar, bigint)) as map(varchar, integer))",
        "cast(cast({} as json) as map(varchar, integer))",
        "if({} = map(), {}, map(array['k'], array[1]))",
    ),
    "integer": (
        "case {} when 1 then 2 when 2 then 3 else 4 end",
        "reduce(array[{}], 0, (s, e) -> s + e, s -> s)",
        "reduce(array[1], 0, (s, e) -> s + {}, s -> s)",
        "if(any_match(array[1, 2], e -> e = {}), 1, 2)",
        "array[1, 2][if({} > 1, 1, 2)]",
        "element_at(map(array[1], array[2]), {})",
        "nullif({}, 3)",
        "coalesce({}, 3)",
        "try({} / 2)",
        "greatest({}, 3)",
        "cast(row({}, 1) as row(a bigint, b bigint)).a % 7 + 1",
        "if({} between 1 and 3, 1, 2)",
        "if({} in (1, 3), 1, 2)",
        "if({} <> 1 and not {} = 2, 1, 2)",
        "mod({}, 7)",
        "abs(- {})",
        "try_cast(cast({} as varchar) as integer)",
        "cast(cast({} as varchar(9)) as integer)",
        "cast(cast({} as double) as integer)",
        "cast(cast({} as real) as integer)",
        "cast(cast({} as json) as integer)",
        "cast(format('%5d|%s', 1, {}) as integer)",
        "json_value(json_object('a' value {}), 'lax $.a' returning integer)",
        "cardinality(split('a', cast({} as varchar)))",
        "bitwise_left_shift({}, 1)",
        "if(exists (select 1 where {} = 1), 1, 2)",
        "if({} in (select 1), 1, 2)",
        "if(row({}, 1) = row(1, 1), 1, 2)",
        "if({} is distinct from 1, 1, 2)",
    ),
    "double": (
        "{} + 1e0",
        "if({} > 1e0, 1e0, 2e0)",
        "case {} when 1e0 then 2e0 when 2e0 then 3e0 else 4e0 end",
        "greatest({}, 1e0)",
        "cast(cast({} as varchar) as double)",
        "cast(cast({} as decimal(10,2)) as double)",
        "cast(cast({} as real) as double)",
        "truncate(- {})",
    ),
    "decimal(10,2)": (
        "cast({} / 3 as decimal(10,2))",
        "cast({} * 3 % 7 as decimal(10,2))",
        "truncate({}, 1)",
        "round({}, 1)",
        "cast(truncate({}, 1) as decimal(10,2))",
        "cast(cast({} as varchar) as decimal(10,2))",
    ),
    "varchar": (
        "{} || 'x'",
        "if({} like 'a%', 'b', 'c')",
        "split({}, ',')[1]",
        "url_extract_parameter({}, 'k')",
        "json_query({}, 'lax $.a')",
        "json_value({}, 'lax $.a')",
        "json_object('k' value {})",
        "json_array({})",
        "json_extract_scalar({}, '$.a')",
        "json_format(json_extract({}, '$.a'))",
        "json_format(json_parse({}))",
        "regexp_extract({}, '(a)(b)', 2)",
        "regexp_replace({}, '(a)', '$1')",
        "cast(regexp_position({}, 'a') as varchar)",
        "normalize({})",
        "cast(date_parse({}, '%Y-%m-%d') as varchar)",
        "to_iso8601(from_iso8601_timestamp({}))",
        "cast(cast({} as date) as varchar)",
        "cast(cast({} as timestamp) as varchar)",
        "trim(both ' ' from {})",
        "cast(cast({} as char(9)) as varchar)",
    ),
    "timestamp(3)": (
        "date_trunc('month', {})",
        "date_add('day', 1, {})",
        "{} + interval '1' month",
        "cast({} at time zone 'Europe/Berlin' as timestamp(3))",
        "cast(with_timezone({}, 'Europe/Berlin') as timestamp(3))",
        "date_parse(date_format({}, '%Y-%m-%d'), '%Y-%m-%d')",
        "cast(parse_datetime(format_datetime({}, 'yyyy-MM-dd'), 'yyyy-MM-dd') as timestamp(3))",
        "cast(from_unixtime(to_unixtime(cast({} as timestamp(3) with time zone))) as timestamp(3))",
        "date_add('day', date_diff('day', timestamp '2020-01-01 00:00:00.000', {}), {})",
    ),
    "timestamp(3) with time zone": (
        "date_trunc('month', {})",
        "{} + interval '1' month",
        "{} at time zone 'Europe/Berlin'",
        "from_iso8601_timestamp(to_iso8601({}))",
        "if({} > timestamp '2020-01-01 00:00:00.000 UTC', {}, now())",
    ),
}
_VALUES = {
    "array(integer)": "array[1, 2]",
    "map(varchar, integer)": "map(array['k'], array[1])",
    "integer": "1",
    "double": "1e0",
    "decimal(10,2)": "decimal '1.00'",
    "varchar": "'2024-01-02'",
    "timestamp(3)": "timestamp '2024-01-02 00:00:00.000'",
    "timestamp(3) with time zone": "timestamp '2024-01-02 00:00:00.000 UTC'",
}


def _size(query: str) -> int:
    """Return the length of DuckDB's text; 0 if refused, as for a column where a literal is needed."""
    try:
        return len(translate(parse(query), None, "default").sql)  # type: ignore[arg-type]
    except AthenaError:
        return 0


def _written() -> Iterator[str]:
    """Yield the calls above nested in themselves; where one takes a value twice, it is nested twice."""
    for type_, templates in WRITTEN.items():
        for template in templates:
            call = "x"
            for _ in range(DEPTH if template.count("{}") == 1 else 3):
                call = template.replace("{}", call)
            yield f"select {call} from (values cast({_VALUES[type_]} as {type_})) t(x)"


def _listed(generate: ModuleType) -> Iterator[str]:
    """Yield each listed function nested in each of its own arguments."""
    generator = generate.Generator(1)
    for rule in generate.RULES:
        # LookupError: there is no value of an argument's type.
        with suppress(LookupError):
            yield from generator.nested(rule, DEPTH)


def test_the_sql_of_nested_calls_grows_linearly(generate: ModuleType) -> None:
    """Each of eight calls adds its own length; arguments written twice would make it 256 times as long."""
    found = {sql: _size(sql) for sql in (*_listed(generate), *_written())}
    assert sum(map(bool, found.values())) > 550
    assert {sql: size for sql, size in found.items() if size > MOST} == {}


def test_duckdb_plans_nested_calls_quickly(ask: Ask, generate: ModuleType) -> None:
    """A macro takes its arguments as text, so a short text can mean long planning. Other seeds each day."""
    queries = [*_listed(generate), *_written()]
    for sql in queries if SWEEP > 1 else queries[date.today().toordinal() % 7 :: 7]:
        assert "DuckDB:" not in ask(sql).get("message", ""), sql


@pytest.mark.parametrize(
    ("topic", "every"), [("generated", 8), ("probes/regressions", 12), ("probes/analytics", 6)]
)
def test_common_parts_computed_once_give_the_same_answer(
    topic: str, every: int, ask: Ask, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forces every expression to name its parts, which otherwise only long ones do."""
    monkeypatch.setattr(once, "LIMIT", -1)
    probes = [json.loads(line) for line in HERE.joinpath(f"{topic}.jsonl").read_text().splitlines()]
    for probe in probes if SWEEP > 1 else probes[date.today().toordinal() % every :: every]:
        assert verdict(answer := ask(probe["sql"]), probe) != "different", (probe, answer)


def test_a_long_operand_of_case_is_computed_once_and_only_the_matching_result(ask: Ask) -> None:
    long = "x" + "".join(f" + {number}" for number in range(300))
    case = f"case {long} when 44851 then 1 / (x - 1) when 44852 then 10 / x else 0 end"
    assert ask(f"select {case} from (values 2) t(x)")["rows"] == [[5]]
    assert ask(f"select {case} from (values 1) t(x)")["error"] == "DIVISION_BY_ZERO"


def test_truncating_beyond_any_precision_is_cheap(ask: Ask) -> None:
    """10 to the power of two thousand million was computed as one number here."""
    assert ask("select truncate(decimal '-3.00', -2147483648), truncate(decimal '-3.00', 2147483647)")[
        "rows"
    ] == [["0.00", "-3.00"]]
