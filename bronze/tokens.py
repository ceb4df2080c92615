"""Tokens: what stands in bronze for a personal value, so that it can be joined on and not be read."""

import hmac


def token(text: str, key: bytes) -> str:
    """HMAC-SHA256 of the text's UTF-8 under `key`, in hex."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def key_name(key: bytes) -> str:
    """16 hex digits that tell `key` from others; of a long random key they give nothing away."""
    return token("\0the name of this key", key)[:16]
