"""Settings of one local cloud. Only the command line reads the environment, through this module."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.errors import LocalCloudError

HOST = "127.0.0.1"
DEFAULT_FOLDER = ".dm/local"
DEFAULT_PORT = 4666
DEFAULT_REGION = "us-east-1"
DEFAULT_BUCKET = "lake"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `up` needs to know. `port` 0 means any free port; `buckets` are made when they are absent."""

    folder: Path
    port: int = DEFAULT_PORT
    region: str = DEFAULT_REGION
    buckets: tuple[str, ...] = (DEFAULT_BUCKET,)
    athena: tuple[str, ...] = (sys.executable, "-m", "localcloud.athena")
    """The command of the Athena part; `--port`, `--endpoint`, `--folder` and `--output` come behind it."""


def folder_from(environ: Mapping[str, str]) -> Path:
    """The instance's folder: DM_LOCAL_DIR, else `.dm/local` under the working folder."""
    return Path(environ.get("DM_LOCAL_DIR") or DEFAULT_FOLDER)


def port_from(environ: Mapping[str, str]) -> int:
    """The endpoint's port: DM_LOCAL_PORT, else 4666. Raises LocalCloudError when it is no port number."""
    text = environ.get("DM_LOCAL_PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or int(text) > 65535:
        raise LocalCloudError(
            f"DM_LOCAL_PORT is {text!r}, which is no port number",
            hint="set it to a number from 1 to 65535, or to 0 for any free port",
        )
    return int(text)


def region_from(environ: Mapping[str, str]) -> str:
    """The region that clients are told: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
