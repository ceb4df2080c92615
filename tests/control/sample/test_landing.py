from control.adapters.memory import MemoryObjects
from control.sample.delivery import Plan
from control.sample.landing import into_bucket, into_folder, land
from control.sample.shop import open_shop


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
