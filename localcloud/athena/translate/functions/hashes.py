"""Hashes and checksums of bytes."""

import hashlib

from sqlglot import exp

from localcloud.athena.errors import not_supported
from localcloud.athena.translate.functions.registry import scalar, special
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import VARBINARY, Term

_BLOCK = 64

for _name in ("md5", "sha1", "sha256"):
    scalar(f"{_name}(varbinary) -> varbinary", f"unhex({_name}({{0}}))")
scalar("crc32(varbinary) -> bigint", "athena_crc32({0})")
scalar("xxhash64(varbinary) -> varbinary", "athena_xxhash64(hex({0}))")


@special("hmac_md5", "hmac_sha1", "hmac_sha256")
def _hmac(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    value = scope.expect(arguments[0], VARBINARY, node.name.lower())
    name = node.name.lower().removeprefix("hmac_")
    key = _literal(arguments[1], name)
    inner, outer = (f"unhex('{bytes(byte ^ pad for byte in key).hex()}')" for pad in (0x36, 0x5C))
    return Term(f"unhex({name}({outer} || unhex({name}({inner} || {value.sql}))))", VARBINARY)


def _literal(node: exp.Expression, name: str) -> bytes:
    """The key, as long as a block of the hash function."""
    match node:
        case exp.Anonymous(this=str(function), expressions=[exp.Literal() as text]) if (
            function.lower() == "to_utf8" and text.is_string
        ):
            key = text.name.encode()
        case exp.HexString():
            key = bytes.fromhex(node.name)
        case _:
            raise not_supported("The key of an HMAC must be a literal in the local cloud")
    if len(key) > _BLOCK:
        key = hashlib.new(name, key, usedforsecurity=False).digest()
    return key.ljust(_BLOCK, b"\0")
