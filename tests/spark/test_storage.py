import gzip

import pytest

from spark import storage
from spark.errors import JobError

KEY = "raw/review/epoch=1/a b+%20é.csv.gz"


@pytest.fixture(params=["s3", "file"])
def folder(request, tmp_path):
    if request.param == "file":
        return tmp_path.as_uri()
    request.getfixturevalue("s3")
    return "s3://lake"


def test_files_are_read_as_written_even_if_named_gz(folder):
    content = gzip.compress(b"line\n" * 1000, mtime=0)
    storage.write(f"{folder}/{KEY}", content)
    assert storage.read(f"{folder}/{KEY}") == content
    with storage.stream(f"{folder}/{KEY}", None) as stream:
        assert b"".join(iter(lambda: stream.read(7), b"")) == content


def test_a_file_is_uploaded_whole(folder, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 80_000)  # 20 MB: more than one part
    storage.upload(source, f"{folder}/bronze/x.parquet")
    assert storage.read(f"{folder}/bronze/x.parquet") == source.read_bytes()


def test_a_missing_object_is_named(folder):
    with pytest.raises(JobError, match=r"/nothing\.json does not exist"):
        storage.read(f"{folder}/nothing.json")


def test_another_kind_of_uri_is_refused():
    with pytest.raises(JobError, match="http://"):
        storage.read("http://example.org/order.json")


def test_the_object_version_in_the_order_is_read(s3):
    version = s3.put_object(Bucket="lake", Key="k", Body=b"one")["VersionId"]
    with storage.stream("s3://lake/k", version) as stream:
        assert stream.read() == b"one"


def test_an_older_version_is_refused_instead_of_reading_the_newest(s3):
    version = s3.put_object(Bucket="lake", Key="k", Body=b"one")["VersionId"]
    s3.put_object(Bucket="lake", Key="k", Body=b"two")
    with pytest.raises(JobError, match="newer version"), storage.stream("s3://lake/k", version):
        pass


def test_an_object_that_is_replaced_while_it_is_read_is_refused(s3):
    s3.put_object(Bucket="lake", Key="k", Body=b"one")

    def read_and_replace():
        with storage.stream("s3://lake/k", None) as stream:
            stream.read()
            s3.put_object(Bucket="lake", Key="k", Body=b"two")

    with pytest.raises(JobError, match="newer version"):
        read_and_replace()
