"""Derive the rights that a request to S3 needs."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qs, unquote
from wsgiref.types import WSGIEnvironment
from xml.etree import ElementTree

from localcloud.iam.policies import Need

# Marker in the query string -> action without its verb, on a bucket and on an object.
OF_BUCKET: Final = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
OF_OBJECT: Final = {
    "acl": "Object{}Acl",
    "attributes": "Object{}Attributes",
    "legal-hold": "ObjectLegalHold",
    "retention": "ObjectRetention",
    "tagging": "Object{}Tagging",
}
LISTINGS: Final = {"uploads": "ListBucketMultipartUploads", "versions": "ListBucketVersions"}
PLAIN_BUCKET: Final = {
    "GET": "ListBucket",
    "HEAD": "ListBucket",
    "PUT": "CreateBucket",
    "DELETE": "DeleteBucket",
}
VERBS: Final = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "DELETE": "Delete"}
ACLS: Final = ("HTTP_X_AMZ_ACL", "HTTP_X_AMZ_GRANT_")
LISTED: Final = {"s3:prefix": "prefix", "s3:delimiter": "delimiter", "s3:max-keys": "max-keys"}


def needs(environ: WSGIEnvironment, body: bytes) -> Iterator[Need]:
    """Yield every right that the request needs."""
    method = environ["REQUEST_METHOD"]
    query = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
    bucket, key = place(environ)
    if not bucket:
        yield Need("s3:ListAllMyBuckets", "*")
    elif key:
        yield from _of_object(method, query, f"arn:aws:s3:::{bucket}/{key}", environ)
    elif method == "POST" and "delete" in query:
        for name, version in _deleted(body):
            yield Need(f"s3:DeleteObject{'Version' if version else ''}", f"arn:aws:s3:::{bucket}/{name}")
    else:
        yield _of_bucket(method, query, f"arn:aws:s3:::{bucket}")


def place(environ: WSGIEnvironment) -> tuple[str, str]:
    """Return bucket and key, from the path."""
    # WSGI decodes the bytes of a path as Latin-1.
    path = environ["PATH_INFO"].encode("latin-1", "replace").decode("utf-8", "replace")
    bucket, _, key = path.lstrip("/").partition("/")
    return bucket, key


def _of_bucket(method: str, query: dict[str, list[str]], resource: str) -> Need:
    for mark, name in LISTINGS.items():
        if mark in query:
            return Need(f"s3:{name}", resource, _listed(query))
    for mark, name in OF_BUCKET.items():
        if mark in query:
            verb = VERBS.get(method, method)
            # Deleting a configuration needs the right to write one.
            whole = "Put" if verb == "Delete" and mark not in ("policy", "website") else verb
            return Need(f"s3:{whole}{name}", resource)
    return Need(f"s3:{PLAIN_BUCKET.get(method, method)}", resource, _listed(query))


def _listed(query: dict[str, list[str]]) -> dict[str, str]:
    return {key: query[name][0] for key, name in LISTED.items() if name in query}


def _of_object(
    method: str, query: dict[str, list[str]], resource: str, environ: WSGIEnvironment
) -> Iterator[Need]:
    version = "Version" if "versionId" in query else ""
    marked = next((name for mark, name in OF_OBJECT.items() if mark in query and method in VERBS), "")
    if marked:
        yield Need(f"s3:{VERBS[method]}{marked.format(version)}", resource)
    elif "restore" in query:
        yield Need("s3:RestoreObject", resource)
    elif "select" in query:
        yield Need("s3:GetObject", resource)
    elif "uploadId" in query and method in ("GET", "DELETE"):
        yield Need(
            f"s3:{'AbortMultipartUpload' if method == 'DELETE' else 'ListMultipartUploadParts'}", resource
        )
    elif method in ("PUT", "POST"):
        yield Need("s3:PutObject", resource)
        if "HTTP_X_AMZ_TAGGING" in environ:
            yield Need("s3:PutObjectTagging", resource)
        if any(name.startswith(ACLS) for name in environ):
            yield Need("s3:PutObjectAcl", resource)
        if source := environ.get("HTTP_X_AMZ_COPY_SOURCE"):
            name, _, copied = unquote(source).lstrip("/").partition("?versionId=")
            yield Need(f"s3:GetObject{'Version' if copied else ''}", f"arn:aws:s3:::{name}")
    else:
        yield Need(f"s3:{VERBS[method]}Object{version}", resource)


def _deleted(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield key and version of each object in a DeleteObjects request."""
    tree = ElementTree.fromstring(body)  # noqa: S314  clients of this machine; no entity is ever resolved
    for one in tree.iter():
        if one.tag.rpartition("}")[2] == "Object":
            found = {part.tag.rpartition("}")[2]: part.text or "" for part in one}
            yield found.get("Key", ""), found.get("VersionId", "")
