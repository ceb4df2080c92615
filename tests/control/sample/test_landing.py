from collections import Counter
from datetime import UTC, datetime

import pytest

from control.adapters.memory import MemoryObjects
from control.sample.delivery import Plan
from control.sample.landing import into_bucket, into_folder, land
from control.sample.reviews import growing
from control.sample.shop import DATA, open_shop, public_months


def test_a_bucket_and_a_folder_get_the_same_files(few_parents, tmp_path):
    shop, objects = open_shop(few_parents, rows=100, seed=1), MemoryObjects()
    in_bucket = list(land(shop, Plan(1), [1, 2], into_bucket(objects, "lake")))
    in_folder = list(land(shop, Plan(1), [1, 2], into_folder(tmp_path)))
    keys = [file.uri.removeprefix("s3://lake/") for file in in_bucket]
    assert keys == [file.uri.removeprefix(f"{tmp_path}/") for file in in_folder]
    assert len(set(keys)) == len(keys)
    for file, key in zip(in_bucket, keys, strict=True):
        assert objects.get(file.uri) == (tmp_path / key).read_bytes()
        assert (file.table, file.size_bytes) == (key.split("/")[1], (tmp_path / key).stat().st_size)
    assert {file.delivery for file in in_bucket} == {1, 2}


def test_reviews_are_spread_over_the_requested_number_of_last_months(few_parents):
    shop, objects = open_shop(few_parents, rows=1000, seed=1, months=growing(186)), MemoryObjects()
    first, end = (datetime.fromtimestamp(shop.habits.starts[at], UTC) for at in (0, -1))
    assert (f"{first:%F}", f"{end:%F}") == ("2009-07-01", "2025-01-01")
    assert max(shop.reviews.month) == 185
    assert shop.habits.starts[0] <= min(shop.reviews.time) <= max(shop.reviews.time) < shop.habits.starts[-1]
    assert list(land(shop, Plan(1), [1, 2], into_bucket(objects, "lake")))


def test_reviews_can_follow_the_growth_of_the_public_set(few_parents):
    weights = public_months(DATA)
    assert (len(weights), weights[0], weights[12], weights[-1]) == (186, 9664, 30015, 1)
    # The published quartiles of review_time of all reviews: 6.98 days into March 2007, 7.63 days into April
    # 2009, and the end of October 2010.
    until = [sum(weights[newer:]) / sum(weights) for newer in (59, 34, 15)]
    inside = [weights[newer - 1] / sum(weights) for newer in (59, 34, 15)]
    passed = (6.98 / 31, 7.63 / 30, 0)
    quartiles = [a + b * part for a, b, part in zip(until, inside, passed, strict=True)]
    assert quartiles == pytest.approx([0.25, 0.5, 0.75], abs=0.0005)
    shop, objects = open_shop(few_parents, rows=5000, seed=1, months=weights), MemoryObjects()
    shares = Counter(shop.reviews.month)
    assert (len(shop.habits.starts), 60 < shares[173] < 130) == (187, True)
    assert list(land(shop, Plan(1), [1, 2], into_bucket(objects, "lake")))
