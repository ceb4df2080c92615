"""Settings of one local cloud. Only the command line reads the environment, and only through this module."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localcloud.errors import LocalCloudError

HOST = "127.0.0.1"
DEFAULT_FOLDER = ".dm/local"
DEFAULT_PORT = 4666
DEFAULT_REGION = "us-east-1"
DEFAULT_BUCKET = "lake"
ENGINES = ("duckdb", "trino")
DEFAULT_TRINO = ".tools/trino"
DEFAULT_HEAP_MB = 1024
DEFAULT_SAVE_SECONDS = 60.0
# IAM modes: refuse what a role's policies do not allow, or only record it.
ENFORCE, RECORD = "enforce", "record"
IAM_MODES = (ENFORCE, RECORD)
# The Athena part's access key, and the header in which it names the caller that it works for.
ATHENA_KEY = "athena"
ON_BEHALF = "X-Localcloud-Caller"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `up` needs to know. `port` 0 means any free port; missing `buckets` are created.

    Without a `port` it is the port of the previous run if that was killed, else the default.
    """

    folder: Path
    port: int | None = None
    region: str = DEFAULT_REGION
    buckets: tuple[str, ...] = (DEFAULT_BUCKET,)
    engine: str | None = None
    """What runs Athena's statements, `duckdb` or `trino`; None keeps a running engine, else means DuckDB."""
    trino: Path = Path(DEFAULT_TRINO)
    """Where `make trino` installed Trino."""
    heap_mb: int = DEFAULT_HEAP_MB
    """Trino's Java heap in megabytes; the process takes up to half as much again."""
    save_every: float = DEFAULT_SAVE_SECONDS
    """Seconds between snapshots while something changes; 0 saves only when the cloud goes down."""
    faults: Path | None = None
    """The file of faults to inject; see `localcloud.faults.rules`."""
    iam: str | None = None
    """`enforce` or `record` checks requests of roles against their policies; None allows everything."""
    athena: tuple[str, ...] = (sys.executable, "-m", "localcloud.athena")
    """The command of the Athena part; `--port`, `--endpoint`, `--folder` and `--output` are appended."""

    def kept(self) -> dict[str, Any]:
        """The settings that a restart in the same folder needs, as JSON; `again` reads them."""
        found = {
            "buckets": self.buckets,
            "athena": self.athena,
            "save_every": self.save_every,
            "iam": self.iam,
        }
        faults = self.faults and str(self.faults)
        engine = {"engine": self.engine, "trino": str(self.trino), "heap_mb": self.heap_mb}
        return {**found, **engine, "faults": faults}

    def on_engine_of(self, kept: Mapping[str, Any]) -> "Settings":
        """Return these settings, with the engine of an earlier run unless they name one."""
        if self.engine or not kept.get("engine"):
            return self
        trino = Path(kept["trino"])
        return replace(self, engine=kept["engine"], trino=trino, heap_mb=kept["heap_mb"])

    def again(self, kept: Mapping[str, Any]) -> "Settings":
        """Return these settings, replaced by those kept from an earlier run."""
        lists = {name: tuple(value) for name, value in kept.items() if isinstance(value, list)}
        paths = {name: Path(kept[name]) for name in ("trino", "faults") if kept.get(name)}
        return replace(self, **{**kept, **lists, **paths})


def folder_from(environ: Mapping[str, str]) -> Path:
    """The instance's folder: DM_LOCAL_DIR, else `.dm/local` under the working folder."""
    return Path(environ.get("DM_LOCAL_DIR") or DEFAULT_FOLDER)


def port_from(environ: Mapping[str, str]) -> int | None:
    """The endpoint's port: DM_LOCAL_PORT, else None. Raises LocalCloudError for an invalid number."""
    text = environ.get("DM_LOCAL_PORT")
    if not text:
        return None
    if not text.isdecimal() or int(text) > 65535:
        raise LocalCloudError(
            f"DM_LOCAL_PORT is {text!r}, which is not a port number",
            hint="set it to a number from 1 to 65535, or to 0 for any free port",
        )
    return int(text)


def engine_from(environ: Mapping[str, str]) -> str | None:
    """The engine: DM_LOCAL_ENGINE, else None. Raises LocalCloudError for an unknown one."""
    return _one_of(ENGINES, "DM_LOCAL_ENGINE", environ)


def trino_from(environ: Mapping[str, str]) -> Path:
    """Trino's folder: DM_TRINO_DIR, else `.tools/trino` under the working folder."""
    return Path(environ.get("DM_TRINO_DIR") or DEFAULT_TRINO).absolute()


def save_every_from(environ: Mapping[str, str]) -> float:
    """Seconds between snapshots: DM_LOCAL_SAVE_EVERY, else 60. Raises LocalCloudError for anything else."""
    text = environ.get("DM_LOCAL_SAVE_EVERY") or str(DEFAULT_SAVE_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise LocalCloudError(
            f"DM_LOCAL_SAVE_EVERY is {text!r}, which is not a number of seconds",
            hint="set it to a number, or to 0 to save only when the cloud goes down",
        )
    return seconds


def faults_from(environ: Mapping[str, str]) -> Path | None:
    """The file of faults: DM_LOCAL_FAULTS, else none."""
    name = environ.get("DM_LOCAL_FAULTS")
    return Path(name).absolute() if name else None


def iam_from(environ: Mapping[str, str]) -> str | None:
    """The IAM mode: DM_LOCAL_IAM, else None. Raises LocalCloudError for an unknown one."""
    return _one_of(IAM_MODES, "DM_LOCAL_IAM", environ)


def _one_of(choices: Sequence[str], variable: str, environ: Mapping[str, str]) -> str | None:
    value = environ.get(variable) or None
    if value is not None and value not in choices:
        raise LocalCloudError(f"{variable} is {value!r}", hint=f"set it to {' or '.join(choices)}")
    return value


def region_from(environ: Mapping[str, str]) -> str:
    """The region that clients should use: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
