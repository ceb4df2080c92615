"""Hashes and checksums of bytes."""

from localcloud.athena.translate.functions.registry import scalar
from localcloud.athena.translate.terms import VARBINARY, fail, fails_when

# Binding a third SHA-512 nested in two others would take seconds.
_REFUSED = fail(
    "NOT_SUPPORTED", "'hmac_sha512 with a key of more than 128 bytes in the local cloud'", VARBINARY
)
# Per hash: DuckDB's SQL, its block size in bytes, and its SQL for a key longer than a block.
_HASHES = {
    "md5": ("unhex(md5({}))", 64, "unhex(md5({}))"),
    "sha1": ("unhex(sha1({}))", 64, "unhex(sha1({}))"),
    "sha256": ("unhex(sha256({}))", 64, "unhex(sha256({}))"),
    "sha512": ("athena_sha512(hex({}))", 128, _REFUSED),
}


def _hmac(sql: str, block: int, long: str) -> str:
    """Return SQL of an HMAC: hash twice, each time after the key XORed with a pad."""
    key = f"CASE WHEN octet_length({{1}}) > {block} THEN {long.format('{1}')} ELSE {{1}} END"
    bits = f"CAST(unhex(rpad(hex({key}), {2 * block}, '0')) AS BIT)"
    inner, outer = (f"CAST(xor({bits}, CAST(unhex('{pad * block}') AS BIT)) AS BLOB)" for pad in ("36", "5c"))
    empty = fails_when("octet_length({1}) = 0", "GENERIC_INTERNAL_ERROR", "'Empty key'")
    made = sql.format(f"{outer} || {sql.format(f'{inner} || {{0}}')}")
    return f"CASE WHEN {empty} THEN NULL ELSE {made} END"


for _name, (_sql, _block, _long) in _HASHES.items():
    scalar(f"{_name}(varbinary) -> varbinary", _sql.format("{0}"))
    scalar(f"hmac_{_name}(varbinary, varbinary) -> varbinary", _hmac(_sql, _block, _long))
scalar("crc32(varbinary) -> bigint", "athena_crc32({0})")
scalar("xxhash64(varbinary) -> varbinary", "athena_xxhash64(hex({0}))")
scalar("murmur3(varbinary) -> varbinary", "athena_murmur3(hex({0}))")
