"""What threads make ahead comes in order, ends with what ended it, and never outlives its context."""

import threading

import pytest

from bronze.ahead import ahead, spread


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


def test_items_come_in_order_and_the_thread_ends():
    with ahead(range(1000)) as items:
        assert list(items) == list(range(1000))
    assert threads() == []


def test_an_error_comes_behind_the_items_made_before_it():
    def broken():
        yield from "ab"
        raise OSError("the disk is gone")

    with ahead(broken()) as items:
        assert [next(items), next(items)] == ["a", "b"]
        with pytest.raises(OSError, match="the disk is gone"):
            next(items)
    assert threads() == []


def test_who_stops_early_leaves_no_thread_behind():
    made = []

    def endless():
        while True:
            made.append(len(made))
            yield made[-1]

    with ahead(endless()) as items:
        assert next(items) == 0
    assert threads() == []
    assert len(made) <= 4  # one taken, one waiting, one in hand, one that was under way


def test_stages_of_a_pipeline_end_together():
    def run():
        with ahead(range(10**9)) as numbers, ahead(number * 2 for number in numbers) as doubled:
            for number in doubled:
                if number == 20:
                    raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        run()
    assert threads() == []


def test_what_is_spread_comes_in_the_order_of_the_items():
    seen = ([], [])
    works = [lambda item, mine=mine: (mine.append(item), item)[1] for mine in seen]
    with spread(range(1000), works) as items:
        assert list(items) == list(range(1000))
    assert seen == (list(range(0, 1000, 2)), list(range(1, 1000, 2)))
    assert threads() == []


def test_an_error_of_the_items_comes_behind_what_they_gave_before():
    def broken():
        yield from "abc"
        raise OSError("the disk is gone")

    with spread(broken(), [str.upper, str.upper]) as items:
        assert [next(items) for _ in range(3)] == ["A", "B", "C"]
        with pytest.raises(OSError, match="the disk is gone"):
            next(items)
    assert threads() == []


def test_an_error_of_a_work_comes_in_the_place_of_its_item():
    with spread([4, 2, 0, 1], [lambda item: 4 // item] * 2) as items:
        assert [next(items), next(items)] == [1, 2]
        with pytest.raises(ZeroDivisionError):
            next(items)
    assert threads() == []


def test_who_stops_early_leaves_no_work_behind():
    made = []

    def endless():
        while True:
            made.append(len(made))
            yield made[-1]

    with spread(endless(), [str, str]) as items:
        assert next(items) == "0"
    assert threads() == []
    assert len(made) <= 3


def test_no_item_at_all_is_spread_to_nothing():
    with spread([], [str, str]) as items:
        assert list(items) == []
