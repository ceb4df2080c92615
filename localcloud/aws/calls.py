"""Derive the name of a call, `service:Operation`, from a request."""

import re
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

SCOPE = re.compile(r"Credential=[^/,]+/[^/,]*/(?P<region>[^/,]*)/(?P<service>[^/,]+)/")
# Operations of S3 on an object, by method and marker in the query string.
OBJECT = {
    ("PUT", "partNumber"): "UploadPart",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
PLAIN_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
BUCKET = {("GET", "list-type"): "ListObjectsV2", ("POST", "delete"): "DeleteObjects"}
PLAIN_BUCKET = {"GET": "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}


def service_of(environ: WSGIEnvironment) -> str:
    """Return the service that the request was signed for; an unsigned one is for S3, as in moto."""
    found = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return found["service"] if found else "s3"


def region_of(environ: WSGIEnvironment) -> str | None:
    """Return the region that the request was signed for; None if it is unsigned."""
    found = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return found["region"] if found else None


def name_of(environ: WSGIEnvironment) -> str:
    """Return `service:Operation`; method and path replace an unknown operation."""
    service = service_of(environ)
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return f"{service}:{target.rpartition('.')[2]}"
    if service == "s3":
        return f"s3:{_of_s3(environ)}"
    return f"{service}:{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def _of_s3(environ: WSGIEnvironment) -> str:
    method, query = environ["REQUEST_METHOD"], parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
    bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
    if not bucket:
        return "ListBuckets"
    if method == "PUT" and key and "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return "CopyObject"
    marked, plain = (OBJECT, PLAIN_OBJECT) if key else (BUCKET, PLAIN_BUCKET)
    found = next((name for (verb, mark), name in marked.items() if verb == method and mark in query), None)
    return found or plain.get(method) or str(method)
