"""Settings of the control plane. Only `control.wiring` and the command line read the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from control.errors import UsageError

# Configurable limits on one raw file, and their names in the parser.
LIMITS = {
    "DM_MAX_INFLATED_BYTES": "inflated_bytes",
    "DM_MAX_RATIO": "ratio",
    "DM_MAX_LINE_BYTES": "line_bytes",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings. Every field has a default that fits the local cloud.

    `token_key` is the secret of the keyed hash that replaces personal values; empty means none is set.
    `lease_seconds` is how long a claim of a batch lasts. A live worker renews its lease, so others wait that
    long only for a dead one.
    `actor` is whom the audit trail names. `limits` are the parser's limits on one raw file that differ from
    its defaults (`bronze.limits`), by name.
    """

    bucket: str = "lake"
    control_table: str = "dm-processing-control"
    schema_prefix: str = ""
    contracts: Path = Path("contracts")
    region: str = "us-east-1"
    endpoint: str = ""
    token_key: bytes = field(default=b"", repr=False)
    lease_seconds: float = 60.0
    actor: str = "unknown"
    limits: Mapping[str, int] = field(default_factory=dict)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read the settings from `environ`; a variable that is absent or empty leaves the default."""
    default = Settings()
    for variable in ("DM_SCHEMA_PREFIX", "DM_BRONZE_PREFIX"):
        if not re.fullmatch(r"([a-z][a-z0-9_]*)?", environ.get(variable, "")):
            raise UsageError(
                f"{variable} is a prefix of database names, not {environ[variable]!r}: lower case, digits, _",
                hint="a letter first, such as ann_",
            )
    lease = environ.get("DM_LEASE_SECONDS") or str(default.lease_seconds)
    if not lease.replace(".", "", 1).isdecimal() or float(lease) <= 0:
        raise UsageError(f"DM_LEASE_SECONDS is a number of seconds above 0, not {lease!r}")
    return Settings(
        bucket=environ.get("DM_BUCKET") or default.bucket,
        control_table=environ.get("DM_CONTROL_TABLE") or default.control_table,
        schema_prefix=environ.get("DM_SCHEMA_PREFIX", ""),
        contracts=Path(environ.get("DM_CONTRACTS") or default.contracts),
        region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or default.region,
        endpoint=environ.get("AWS_ENDPOINT_URL", ""),
        token_key=_key(environ.get("DM_TOKEN_KEY", "")),
        lease_seconds=float(lease),
        actor=environ.get("DM_ACTOR") or environ.get("USER") or default.actor,
        limits={
            name: _count(environ, variable) for variable, name in LIMITS.items() if environ.get(variable)
        },
    )


def _key(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # `from None`: the original error would show the key
        raise UsageError(
            "DM_TOKEN_KEY is not valid UTF-8, as which Spark and Lambda read it", hint="openssl rand -hex 32"
        ) from None


def _count(environ: Mapping[str, str], variable: str) -> int:
    text = environ[variable]
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise UsageError(f"{variable} is a whole number above 0, not {text!r}")
    return int(text)
