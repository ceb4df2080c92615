"""Random sequences of statements have the effect on tables that a dictionary computes."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from dictionary import Lake
from generate import KINDS, LENGTH, sequence
from run import Answer, differences
from statements import Delete

from localcloud.athena.catalog import Catalog
from localcloud.athena.engines import create
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Context
from localcloud.athena.results import has_header, row_count, rows, update_count
from localcloud.athena.statements.execute import Parts, execute
from localcloud.athena.statements.parse import parse

COUNT = 8 * int(os.environ.get("SWEEP") or 1)
FIRST = 1_000


def test_a_seed_gives_the_same_sequence_every_time() -> None:
    assert sequence(7) == sequence(7)
    assert sequence(7) != sequence(8)


def test_sequences_are_long_and_of_many_kinds() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(100):
        found = sequence(seed)
        assert len(found) >= LENGTH
        assert len({statement.kind for statement, _ in found}) >= KINDS
        kinds.update(statement.kind for statement, _ in found)
    wanted = {"create", "insert", "update", "delete", "merge", "rename", "drop", "time travel", "alter"}
    assert wanted <= {kind for kind, count in kinds.items() if count > 50}


def test_sequences_for_trino_have_no_null_in_a_list() -> None:
    lists = re.compile(r" in \([^)]*cast\(null")
    found = {
        for_trino: [
            lists.search(statement.sql(""))
            for seed in range(50)
            for statement, _ in sequence(seed, for_trino=for_trino)
        ]
        for for_trino in (True, False)
    }
    assert not any(found[True])
    assert any(found[False])


def test_sequences_for_trino_delete_by_no_partition_column() -> None:
    for seed in range(50):
        lake = Lake()
        for statement, _ in sequence(seed, for_trino=True):
            if isinstance(statement, Delete):
                own = re.sub(
                    r"\(select [^()]*(\([^()]*\)[^()]*)*\)", "", statement.sql("").partition(" where ")[2]
                )
                words = set(re.findall(r"[a-z]+", own))
                assert not words & lake.tables[statement.table].partitioned, statement
            lake.apply(statement)


def test_many_statements_have_subqueries_on_another_or_their_own_table() -> None:
    asked = [
        statement.kind
        for seed in range(100)
        for statement, _ in sequence(seed)
        if " in (select " in statement.sql("")
    ]
    assert {"delete", "insert", "read", "update"} <= set(asked)
    assert len(asked) > 50


def test_some_sequences_have_a_merge_that_must_fail() -> None:
    errors = {outcome.error for seed in range(100) for _, outcome in sequence(seed)}
    assert errors == {"", "MERGE_TARGET_ROW_MULTIPLE_MATCHES"}


def test_a_wrong_row_is_detected() -> None:
    steps = sequence(3)
    lake = Lake()
    answers = iter([lake.apply(statement) for statement, _ in steps])

    def ask(sql: str) -> Answer:
        if "$snapshots" in sql:
            return Answer((("1", "2024-01-01 00:00:00.000 UTC"),))
        outcome = next(answers)
        wrong = [("wrong",)] if outcome.rows else []
        return Answer((*(outcome.rows or ()), *wrong), outcome.count, outcome.error)

    (found,) = differences(steps, ask, "s3://lake/x")
    assert "('wrong',)" in found


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_duckdb_agrees_with_the_dictionary(
    seed: int, catalog: Catalog, database: str, tmp_path: Path
) -> None:
    engine = create(catalog, tmp_path)
    parts = Parts(catalog, engine)

    def ask(sql: str) -> Answer:
        try:
            answer = execute(parse(sql).node, parts, Context(database, query_id=f"{seed}"))
        except AthenaError as error:
            return Answer(error=error.code)
        lines = rows(answer, int(has_header(answer)), row_count(answer))
        return Answer(tuple(map(tuple, lines)), update_count(answer))

    try:
        assert differences(sequence(seed), ask, f"s3://lake/{database}") == []
    finally:
        engine.close()
