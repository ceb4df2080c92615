import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws import bodies


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=50)),
    signature=st.sampled_from(["", ";chunk-signature=00ff"]),
    checksum=st.none() | st.just("AAAA=="),
)
def test_a_framed_body_is_the_sum_of_its_chunks(chunks, signature, checksum):
    framed = b"".join(b"%x%s\r\n%s\r\n" % (len(c), signature.encode(), c) for c in chunks)
    framed += b"0%s\r\n" % signature.encode()
    framed += f"x-amz-checksum-crc32:{checksum}\r\n\r\n".encode() if checksum else b"\r\n"
    body, trailers = bodies.unframe(framed)
    assert body == b"".join(chunks)
    assert trailers.get("x-amz-checksum-crc32") == checksum


@pytest.mark.parametrize(
    "framed", [b"", b"5\r\nab", b"zz\r\nab\r\n", b"2\r\nab\r\n", b"-9\r\nab\r\n0\r\n\r\n"]
)
def test_a_broken_frame_is_refused(framed):
    with pytest.raises(bodies.MalformedBodyError):
        bodies.unframe(framed)


def test_a_body_shorter_than_its_length_is_refused():
    with pytest.raises(bodies.MalformedBodyError, match="2 of 3 bytes arrived"):
        bodies.read({"CONTENT_LENGTH": "3", "wsgi.input": io.BytesIO(b"ab")})


def test_the_headers_describe_the_unframed_body():
    environ = {
        "CONTENT_LENGTH": "48",
        "HTTP_X_AMZ_CONTENT_SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "HTTP_CONTENT_ENCODING": "aws-chunked",
        "HTTP_X_AMZ_DECODED_CONTENT_LENGTH": "3",
        "HTTP_X_AMZ_TRAILER": "x-amz-checksum-crc32",
        "wsgi.input": io.BytesIO(b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n".ljust(48)),
    }
    bodies.read(environ)
    assert environ.pop("wsgi.input").read() == b"abc"
    assert environ == {
        "CONTENT_LENGTH": "3",
        "HTTP_X_AMZ_CONTENT_SHA256": "UNSIGNED-PAYLOAD",
        "HTTP_X_AMZ_CHECKSUM_CRC32": "NSRBwg==",
        "HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM": "CRC32",
        "wsgi.input_terminated": True,
    }
