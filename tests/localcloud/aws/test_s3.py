import base64
import gzip
import hashlib
import io
import socket
import zlib
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
import urllib3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from localcloud.aws.patches import listing

LARGE = b"0123456789abcdef" * (1 << 17)  # 2 MB: stored in a file, not in memory


@pytest.fixture(scope="session")
def s3(client):
    return client("s3")


def code(error):
    return error.value.response["Error"]["Code"]


@pytest.mark.parametrize("size", [0, 1, (64 << 10) - 1, 64 << 10, 40 << 20])
def test_an_object_is_returned_as_it_was_put(s3, bucket, size):
    body = (LARGE * (size // len(LARGE) + 1))[:size]
    put = s3.put_object(Bucket=bucket, Key="k", Body=body)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["ContentLength"] == size
    assert put["ETag"] == got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'


@pytest.mark.parametrize("wanted", ["bytes=0-0", "bytes=100-1048675", "bytes=2000000-", "bytes=-7"])
def test_a_range_returns_only_its_bytes(s3, bucket, wanted):
    s3.put_object(Bucket=bucket, Key="k", Body=LARGE)
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    start = int(first) if first else len(LARGE) - int(last)
    end = int(last) + 1 if first and last else len(LARGE)
    got = s3.get_object(Bucket=bucket, Key="k", Range=wanted)
    assert got["Body"].read() == LARGE[start:end]
    assert got["ContentRange"] == f"bytes {start}-{end - 1}/{len(LARGE)}"
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_range_past_the_end_is_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"abc")
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=3-5")
    assert code(error) == "InvalidRange"


def test_a_stream_of_unknown_checksum_is_unframed(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(LARGE), ChecksumAlgorithm="SHA256")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == LARGE
    assert "aws-chunked" not in got.get("ContentEncoding", "")


def framed(body, size, signature=""):
    chunks = [body[i : i + size] for i in range(0, len(body), size)] + [b""]
    return b"".join(b"%x%s\r\n" % (len(c), signature.encode()) + c + (b"\r\n" if c else b"") for c in chunks)


@pytest.mark.parametrize(
    ("kind", "signature"),
    [
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", ""),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", ";chunk-signature=" + "0" * 64),
    ],
)
def test_an_aws_chunked_body_is_unframed(s3, bucket, endpoint, kind, signature):
    checksum = base64.b64encode(zlib.crc32(LARGE).to_bytes(4, "big")).decode()
    trailer = f"x-amz-checksum-crc32:{checksum}\r\n\r\n"
    response = urllib3.request(
        "PUT",
        f"{endpoint}/{bucket}/k",
        body=framed(LARGE, 65_537, signature) + trailer.encode(),
        headers={
            "X-Amz-Content-SHA256": kind,
            "X-Amz-Decoded-Content-Length": str(len(LARGE)),
            "Content-Encoding": "gzip,aws-chunked",
            "X-Amz-Trailer": "x-amz-checksum-crc32",
        },
    )
    assert response.status == 200
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == LARGE
    assert got["ContentEncoding"] == "gzip"
    assert got["ResponseMetadata"]["HTTPHeaders"]["x-amz-checksum-crc32"] == checksum


def test_a_broken_frame_stores_nothing(s3, bucket, endpoint):
    response = urllib3.request(
        "PUT",
        f"{endpoint}/{bucket}/k",
        body=b"ff\r\nshort",
        headers={"X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
    )
    assert response.status == 400
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_body_with_chunked_transfer_encoding_is_read(s3, bucket, endpoint):
    pieces = (LARGE[i : i + 100_000] for i in range(0, len(LARGE), 100_000))
    with urllib3.PoolManager() as pool:
        assert pool.request("PUT", f"{endpoint}/{bucket}/k", body=pieces, chunked=True).status == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == LARGE


def test_a_client_that_expects_100_continue_gets_it(s3, bucket, endpoint):
    head = f"PUT /{bucket}/k HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(endpoint).port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"abc"


def test_an_interrupted_body_stores_nothing(s3, bucket, endpoint):
    head = f"PUT /{bucket}/k HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(endpoint).port), timeout=10) as connection:
        connection.sendall(head.encode() + b"only this")
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in connection.recv(1000)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_requests_on_one_connection_are_answered_in_order(endpoint, s3, bucket):
    for key in ("a", "bb"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), ACL="public-read")
    two = b"".join(f"HEAD /{bucket}/{k} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() for k in ("a", "bb"))
    with socket.create_connection(("127.0.0.1", urlsplit(endpoint).port), timeout=10) as connection:
        connection.sendall(two)
        answers = b""
        while answers.count(b"\r\n\r\n") < 2:
            answers += connection.recv(10_000)
    assert 0 < answers.find(b"Content-Length: 1\r\n") < answers.find(b"Content-Length: 2\r\n")


def test_a_multipart_upload_is_joined(s3, bucket):
    body = LARGE * 10
    config = TransferConfig(multipart_threshold=1, multipart_chunksize=6 << 20, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(body), bucket, "k", Config=config)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["ETag"].endswith('-4"')


def test_an_upload_with_a_wrong_part_is_refused(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    small = [s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=n, Body=b"x") for n in (1, 2)]
    parts = [{"PartNumber": n, "ETag": part["ETag"]} for n, part in enumerate(small, 1)]
    for expected, given in (
        ("EntityTooSmall", parts),
        ("InvalidPart", [{"PartNumber": 1, "ETag": '"0"'}]),
    ):
        with pytest.raises(ClientError) as error:
            s3.complete_multipart_upload(
                Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": given}
            )
        assert code(error) == expected


def test_a_copy_outlives_its_source(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=LARGE, Metadata={"a": "1"})
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "source"})
    s3.delete_object(Bucket=bucket, Key="source")
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert got["Body"].read() == LARGE
    assert got["Metadata"] == {"a": "1"}


def test_a_part_can_be_copied_from_a_range(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=LARGE)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = s3.upload_part_copy(
        Bucket=bucket,
        Key="k",
        UploadId=upload,
        PartNumber=1,
        CopySource=f"{bucket}/source",
        CopySourceRange="bytes=5-999",
    )
    parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == LARGE[5:1000]


def test_a_reader_finishes_the_object_it_began_to_read(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=LARGE * 8)
    reading = s3.get_object(Bucket=bucket, Key="k")["Body"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    assert reading.read() == LARGE * 8


@pytest.mark.parametrize(
    "key", ["a b", "d=2024-01-01/x%2Fy", "ü/日本", "a+b", "double//slash", "q?x=1&y", "~'()", "two\nlines"]
)
def test_any_key_can_be_used(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_metadata_names_keep_their_underscores(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"my_key": "1", "other-key": "2"})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"my_key": "1", "other-key": "2"}


def test_a_presigned_url_works(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    address = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert urllib3.request("GET", address).data == b"x"


def test_old_versions_stay_readable(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=LARGE)["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"second")
    s3.delete_object(Bucket=bucket, Key="k")
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == LARGE
    listed = s3.list_object_versions(Bucket=bucket)
    assert (len(listed["Versions"]), len(listed["DeleteMarkers"])) == (2, 1)


def test_a_listing_of_versions_is_paged_and_continues_after_any_key(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put = [(key, s3.put_object(Bucket=bucket, Key=key, Body=b"")["VersionId"]) for key in ("p/a", "p/b") * 3]
    put += [(key, s3.put_object(Bucket=bucket, Key=key, Body=b"")["VersionId"]) for key in ("p/d", "q/a")]
    gone = s3.delete_object(Bucket=bucket, Key="p/a")["VersionId"]

    def listed(size=1000, **given):
        pages = s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix="p/", PaginationConfig={"PageSize": size}, **given
        )
        found = [
            one for page in pages for kind in ("Versions", "DeleteMarkers") for one in page.get(kind, ())
        ]
        return [(one["Key"], one["VersionId"], one["IsLatest"]) for one in found]

    newest = dict(put) | {"p/a": gone}
    wanted = [(k, v, newest[k] == v) for k in ("p/a", "p/b", "p/d") for key, v in put[::-1] if key == k]
    wanted.insert(0, ("p/a", gone, True))
    for size in (1, 2, 3, 7, 8, 9):
        assert sorted(listed(size)) == sorted(wanted)
    assert [key for key, _, _ in listed(2)] == ["p/a"] * 4 + ["p/b"] * 3 + ["p/d"]
    assert [key for key, _, _ in listed(KeyMarker="p/a")] == ["p/b"] * 3 + ["p/d"]
    assert [key for key, _, _ in listed(KeyMarker="p/c")] == ["p/d"], "moto skips the next key"


def test_a_listing_of_versions_encodes_any_key(s3, bucket):
    """One key that is not valid XML made every listing with it fail, and so all of ingestion."""
    keys = ["p/\x1b[31m", "p/%2e%2e/x", "p/a b+c", "p/\u202eé<&>"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix="p/", PaginationConfig={"PageSize": 1}
    )
    assert [one["Key"] for page in pages for one in page["Versions"]] == sorted(keys)
    raw = s3.list_object_versions(Bucket=bucket, Prefix="p/%", EncodingType="url")
    assert (raw["Versions"][0]["Key"], raw["Prefix"]) == ("p/%252e%252e/x", "p/%25")


def test_a_listing_of_versions_reads_no_other_object():
    class Keys(dict):
        def getlist(self, name):
            asked.append(name)
            return self[name]

    asked = []
    keys = Keys({name: [SimpleNamespace(version_id=None, last_modified=0)] for name in ("o/1", "p/1", "p/2")})
    assert [one.is_latest for one in listing._after(keys, "p/", "p/1", None)] == [True]
    assert asked == ["p/1", "p/2"]


def test_a_listing_is_paged(s3, bucket):
    keys = [f"p/{n:03d}" for n in range(25)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b""), keys))
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="p/", PaginationConfig={"PageSize": 10}
    )
    assert [o["Key"] for page in pages for o in page["Contents"]] == keys


def test_a_conditional_put_is_won_by_one_writer(s3, bucket):
    def put(writer):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=str(writer).encode(), IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return writer

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(put, range(48)))
    winners = [outcome for outcome in outcomes if outcome != "PreconditionFailed"]
    assert len(winners) == 1
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == str(winners[0]).encode()


def test_a_put_on_a_stale_etag_is_refused(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
    assert code(error) == "PreconditionFailed"


def test_pyarrow_reads_and_writes(s3, bucket, endpoint):
    filesystem = pyarrow.fs.S3FileSystem(
        access_key="local", secret_key="local", endpoint_override=endpoint, region="us-east-1"
    )
    table = pa.table({"n": range(200_000), "text": [f"row {n}" for n in range(200_000)]})
    pq.write_table(table, f"{bucket}/t.parquet", filesystem=filesystem, row_group_size=20_000)
    assert pq.read_table(f"{bucket}/t.parquet", filesystem=filesystem) == table
    column = pq.read_table(f"{bucket}/t.parquet", filesystem=filesystem, columns=["n"])
    assert column["n"].to_pylist()[-1] == 199_999


def test_a_gzip_object_stays_as_it_is(s3, bucket):
    body = gzip.compress(b"line\n")
    s3.put_object(Bucket=bucket, Key="k.csv.gz", Body=body, ContentType="application/gzip")
    got = s3.get_object(Bucket=bucket, Key="k.csv.gz")
    assert got["Body"].read() == body
    assert got["ContentType"] == "application/gzip"
