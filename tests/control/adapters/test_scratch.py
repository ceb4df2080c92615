"""A new process deletes the temporary folders of killed processes, but not those of running ones."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from control.adapters import scratch

PREFIX = "dm-scratch-test-"
AT_WORK = f"""
import time
from control.adapters import scratch
with scratch.folder({PREFIX!r}) as folder:
    (folder / "rows").write_text("personal")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


@contextmanager
def another() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Start another process that uses a folder which looks an hour old."""
    with subprocess.Popen([sys.executable, "-c", AT_WORK], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = Path(process.stdout.readline().strip())
            hour_ago = time.time() - 3600
            os.utime(found, (hour_ago, hour_ago))
            yield process, found
        finally:
            process.kill()


def test_a_folder_is_deleted_however_its_block_ends() -> None:
    with scratch.folder(PREFIX) as folder:
        (folder / "rows").write_text("1")
    assert not folder.exists()
    with pytest.raises(KeyboardInterrupt), scratch.folder(PREFIX) as folder:
        raise KeyboardInterrupt
    assert not folder.exists()


def test_the_folder_of_a_running_process_is_kept() -> None:
    with another() as (_, theirs), scratch.folder(PREFIX):
        assert (theirs / "rows").exists()


def test_the_folder_of_a_killed_process_is_deleted_by_the_next_one() -> None:
    with another() as (process, theirs):
        process.kill()
        process.wait()
        assert (theirs / "rows").exists()
        with scratch.folder(PREFIX):
            assert not theirs.exists()


def test_a_folder_created_just_now_is_kept(tmp_path: Path) -> None:
    made = Path(tempfile.mkdtemp(prefix=PREFIX))
    with scratch.folder(PREFIX):
        assert made.exists()


def test_a_symbolic_link_with_the_prefix_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept").write_text("")
    os.utime(other, (0, 0))
    (tmp_path / f"{PREFIX}link").symlink_to(other)
    with scratch.folder(PREFIX):
        assert (other / "kept").exists()
