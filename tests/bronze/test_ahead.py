"""Items that threads produce ahead come in order and end with the error that ended them; no thread stays."""

import threading

import pytest

from bronze.ahead import ahead


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


def test_items_come_in_order_and_the_thread_ends():
    with ahead(range(1000)) as items:
        assert list(items) == list(range(1000))
    assert threads() == []


def test_an_error_comes_after_the_items_made_before_it():
    def broken():
        yield from "ab"
        raise OSError("the disk is gone")

    with ahead(broken()) as items:
        assert [next(items), next(items)] == ["a", "b"]
        with pytest.raises(OSError, match="the disk is gone"):
            next(items)
    assert threads() == []


def test_stopping_early_leaves_no_thread_behind():
    made = []

    def endless():
        while True:
            made.append(len(made))
            yield made[-1]

    with ahead(endless()) as items:
        assert next(items) == 0
    assert threads() == []
    assert len(made) <= 4  # one taken, one waiting, one in hand, one in progress


def test_stages_of_a_pipeline_end_together():
    def run():
        with ahead(range(10**9)) as numbers, ahead(number * 2 for number in numbers) as doubled:
            for number in doubled:
                if number == 20:
                    raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        run()
    assert threads() == []


def test_no_more_items_wait_than_the_limit():
    made = []
    release = threading.Event()

    def endless():
        while True:
            made.append(len(made))
            if len(made) > 4:
                release.set()
            yield made[-1]

    with ahead(endless(), most=3) as items:
        assert next(items) == 0
        assert release.wait(60)
        assert len(made) == 5  # one taken, three waiting, one in hand
    assert threads() == []
