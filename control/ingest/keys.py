"""The secret key of a table's tokens: always the same one, until people change it and say so.

Tokens are joined on. A batch whose tokens another key has made would look like any other, and match nothing:
so the head of the table knows the name of the key, and a batch of another one is not published.
"""

from dataclasses import replace

from bronze.tokens import key_name
from control import audit
from control.config import Settings
from control.errors import ConflictError, DataError, UsageError
from control.ingest.publish import settle
from control.ingest.tables import BronzeTable
from control.model import Head
from control.orders import Report
from control.ports import Parts

# 128 bits in hex digits: who has a token and its value cannot find the key by trying.
LEAST_BYTES = 32
MAKE_ONE = "make one with `openssl rand -hex 32`, and keep it: tokens are joined on"


def check(table: BronzeTable, head: Head, settings: Settings) -> None:
    """Raise where `table`, which stands at `head`, has tokens and this is not the key to make them.

    UsageError without a key, or with one that is too short to make its first token; DataError where another
    has made its tokens, for then other tables can go on.
    """
    if not table.needs_token_key:
        return
    if not settings.token_key:
        raise UsageError(
            f"the contract of {table.name} replaces personal values by tokens, and DM_TOKEN_KEY is not set",
            hint=f"set it to a long random secret, the same as before if there is one; else {MAKE_ONE}",
        )
    if head.token_key is None and head.number == 0:
        _check_length(settings)
    if head.token_key not in (None, key_name(settings.token_key)):
        raise DataError(
            f"DM_TOKEN_KEY is not the key that made the tokens of {table.name}, so that none would match",
            hint=f"set the key of before; if it is to change for good: dm ingest rekey --table {table.name}",
        )


def verify(table: BronzeTable, report: Report, settings: Settings) -> None:
    """Raise UsageError when the engine has made tokens with another key than this one.

    It would do so with every batch, so this one is given back and no attempt is held against it.
    """
    if table.needs_token_key and report.token_key != key_name(settings.token_key):
        raise UsageError(
            f"the engine that parsed {table.name} has another DM_TOKEN_KEY than this process, or names none",
            hint="give its application or job the same key, and the code of the same version",
        )


def rekey(table: BronzeTable, reason: str, parts: Parts) -> Head:
    """Let the key of these settings make the tokens of `table` from now on; gives its head. Safe to repeat.

    What is published keeps the tokens of before until it is ingested again. Raises UsageError for a table
    without tokens, without a key or with a short one, and without a reason.
    """
    if not table.needs_token_key:
        raise UsageError(f"{table.name} has no tokens", hint="its bronze contract names no column with one")
    _check_length(parts.settings)
    name = key_name(parts.settings.token_key)
    head = settle(table.name, parts)
    if head.token_key != name:
        audit.record("rekey", table.name, (), reason, parts)
    while head.token_key != name:
        wanted = replace(head, token_key=name, rekeyed=(head.rekeyed or 0) + 1)
        try:
            head = parts.store.update(head, wanted)
        except ConflictError:  # something was published meanwhile, or another was faster
            head = settle(table.name, parts)
    return head


def _check_length(settings: Settings) -> None:
    if len(settings.token_key) < LEAST_BYTES:
        raise UsageError(f"DM_TOKEN_KEY has less than {LEAST_BYTES} characters", hint=MAKE_ONE)
