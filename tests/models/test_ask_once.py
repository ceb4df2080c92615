"""Models share the answers of a build, and each keeps the answer that it got first."""

from pathlib import Path

from conformance import new_lake
from project_sources import load
from rendering import CONSUMED, Dbt

HOW_MANY = "select count(*) from ops.consumed"


def test_of_two_models_that_ask_at_once_both_keep_the_first_answer(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    dbt = Dbt(load(), lake)

    def asked_by(model: str) -> int:
        return int(dbt.call(model, "ask_once", HOW_MANY).rows[0][0])

    def other_asks_first() -> None:
        assert asked_by("top_drinkers") == 0
        lake.insert(f"insert into ops.consumed values ({', '.join(['null'] * len(CONSUMED))})")

    lake.before_statement = {1: other_asks_first}
    assert asked_by("top_beers_by_rating") == 0
    assert asked_by("top_drinkers") == 0
    assert lake.query(HOW_MANY)[1] == [(1,)], "the second answer was another one"


def test_a_later_build_asks_again(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    dbt = Dbt(load(), lake)
    dbt.build("breweries_state")
    first = dbt.call("breweries_state", "ask_once", HOW_MANY).rows
    lake.append("bronze", "brewery", 1, [])
    dbt.build("breweries_state")
    assert first == [(0,)]
    assert dbt.call("breweries_state", "ask_once", HOW_MANY).rows == [(1,)]
