import gc
import threading
import weakref
from collections.abc import Callable
from typing import cast

import pyarrow as pa
import pytest

from localcloud.athena import queries
from localcloud.athena.errors import AthenaError, InvalidRequestError
from localcloud.athena.model import Answer
from localcloud.athena.queries import Queries, Query, Request
from localcloud.athena.statements.kinds import SELECT
from localcloud.athena.statements.nodes import Node
from localcloud.athena.statements.parse import Statement, parse


def query(number: int) -> Query:
    return Query(Request(f"select {number}"), SELECT, "s3://b/", f"token-{number}")


def submit(known: Queries, one: Query) -> Query:
    return known.submit(one, parse(one.request.sql))


def answer(rows: int = 1) -> Answer:
    return Answer("DML", "SELECT", (), pa.table({"a": pa.array(range(rows), pa.int64())}))


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Callable[..., Queries]:
    def one(run: Callable[[Query, Statement], Answer], **settings: int) -> Queries:
        made = Queries(run, lambda _: None, **settings)
        request.addfinalizer(made.close)
        return made

    return one


def test_the_oldest_queries_are_forgotten_with_their_tokens(make: Callable[..., Queries]):
    known = make(lambda *_: answer(), history=3)
    made = [query(number) for number in range(6)]
    for one in made:
        submit(known, one)
        one.done.wait(10)
    assert [one.request.sql for one in known.newest()] == ["select 5", "select 4", "select 3"]
    with pytest.raises(InvalidRequestError, match="was not found"):
        known.get(made[0].id)
    assert known.known("token-0", Request("select 7")) is None


def test_a_running_query_is_not_forgotten(make: Callable[..., Queries]):
    free = threading.Event()

    def run(one: Query, _: Statement) -> Answer:
        if one.request.sql == "select 0":
            free.wait(10)
        return answer()

    known = make(run, history=2)
    made = [query(number) for number in range(5)]
    for one in made:
        submit(known, one)
    for one in made[1:]:
        one.done.wait(10)
    assert known.get(made[0].id).state == "RUNNING"
    free.set()


def test_the_oldest_results_are_evicted_over_the_limit_of_bytes(
    make: Callable[..., Queries], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(queries, "RESULT_BYTES", 20_000)
    known = make(lambda *_: answer(1_000))
    made = [query(number) for number in range(5)]
    for one in made:
        submit(known, one)
        one.done.wait(10)
    held = [one.answer is not None for one in made]
    assert held == [False, False, True, True, True]
    assert all(one.state == "SUCCEEDED" for one in made)


def test_a_query_that_waits_for_its_turn_is_cancelled_without_running(make: Callable[..., Queries]):
    free, ran = threading.Event(), []

    def run(one: Query, _: Statement) -> Answer:
        ran.append(one.request.sql)
        free.wait(10)
        return answer()

    known = make(run, workers=1)
    first, second = query(1), query(2)
    submit(known, first)
    submit(known, second)
    known.stop(second.id)
    free.set()
    assert first.done.wait(10)
    assert (second.state, second.started) == ("CANCELLED", None)
    known.close()
    assert ran == ["select 1"]


def test_the_first_final_state_stays(make: Callable[..., Queries]):
    free, begun = threading.Event(), threading.Event()

    def run(*_: object) -> Answer:
        begun.set()
        free.wait(10)
        return answer()

    known = make(run)
    one = submit(known, query(1))
    begun.wait(10)
    known.stop(one.id)
    free.set()
    known.close()
    assert (one.state, one.answer) == ("CANCELLED", None)


def test_cancellation_is_repeated_until_the_engine_ends_the_query(request: pytest.FixtureRequest):
    told, free, begun = [], threading.Event(), threading.Event()

    def run(*_: object) -> Answer:
        begun.set()
        free.wait(10)
        return answer()

    def cancel(query_id: str) -> None:
        told.append(query_id)
        if len(told) == 3:  # the engine does not know the query at first
            free.set()

    known = Queries(run, cancel)
    request.addfinalizer(known.close)
    one = submit(known, query(1))
    begun.wait(10)
    known.stop(one.id)
    assert one.left.wait(10)
    assert told == [one.id] * 3


def test_no_syntax_tree_or_rows_are_kept_after_a_run(make: Callable[..., Queries]):
    class Held:
        """A syntax tree, or rows in the engine."""

    held: list[weakref.ref[Held]] = []

    def run(one: Query, _: Statement) -> Answer:
        rows = Held()
        held.append(weakref.ref(rows))
        if one.request.sql == "select 0":
            return answer()
        try:
            raise ValueError("not what the column holds")
        except ValueError as error:
            raise AthenaError("INVALID_CAST_ARGUMENT", "no") from error

    known = make(run)
    made = [query(number) for number in range(2)]
    for one in made:
        tree = Held()
        held.append(weakref.ref(tree))
        known.submit(one, Statement(one.request.sql, cast(Node, tree)))
        del tree
        assert one.left.wait(10)
    known.close()
    gc.collect()
    assert [one.state for one in made] == ["SUCCEEDED", "FAILED"]
    assert [kept() for kept in held] == [None] * 4
