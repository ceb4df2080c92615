"""Keep one secret key for the tokens of a table, until someone changes it with `dm ingest rekey`.

Tokens are join keys. A batch whose tokens were made with another key would look normal but match nothing. So
the head of the table records the name of the key, and a batch made with another key is not published.
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

# 128 bits in hex digits: too many to find the key by brute force, given a token and its value.
LEAST_BYTES = 32
MAKE_ONE = "make one with `openssl rand -hex 32`, and keep it: tokens are join keys"


def check(table: BronzeTable, head: Head, settings: Settings) -> None:
    """Check that the key of `settings` may make tokens of `table`, given its `head`.

    Raises UsageError if no key is set, or if the key for the first batch is too short. Raises DataError if
    the existing tokens were made with another key; other tables can go on then.
    """
    if not table.needs_token_key:
        return
    if not settings.token_key:
        raise UsageError(
            f"the contract of {table.name} replaces personal values by tokens, but DM_TOKEN_KEY is not set",
            hint=f"set it to the secret used before; if there is none, {MAKE_ONE}",
        )
    if head.token_key is None and head.number == 0:
        _check_length(settings)
    if head.token_key not in (None, key_name(settings.token_key)):
        raise DataError(
            f"DM_TOKEN_KEY is not the key that made the tokens of {table.name}: new tokens would not match",
            hint=f"set the previous key, or change it permanently with dm ingest rekey --table {table.name}",
        )


def verify(table: BronzeTable, report: Report, settings: Settings) -> None:
    """Raise UsageError if the engine made the tokens with another key than that of `settings`.

    Every batch would fail the same way, so UsageError: the batch is given back without counting the attempt.
    """
    if table.needs_token_key and report.token_key != key_name(settings.token_key):
        raise UsageError(
            f"the engine that parsed {table.name} has another DM_TOKEN_KEY than this process, or names none",
            hint="give its application or job the same key, and the code of the same version",
        )


def rekey(table: BronzeTable, reason: str, parts: Parts) -> Head:
    """Make the key of `parts.settings` the key of `table` from now on; return its head. Safe to repeat.

    Published rows keep their old tokens until they are ingested again. Raises UsageError if the table has no
    tokens, the key is missing or short, or the reason is empty.
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
