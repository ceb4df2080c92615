"""The kernel's library: for the machine that was asked for, the same bytes everywhere, whole or not there."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bronze_kernel import FOLDER, LIBRARY, is_stale
from bronze_kernel.build import TOOLS, build, own_target, target_of

ROOT = Path(__file__).parents[2]
# What an ELF header calls its machine, at byte 18.
MACHINES = {"x86_64": 62, "aarch64": 183}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, on a copy of the sources in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "bronze_kernel.build", *arguments],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources in another folder, without a compiler."""
    shutil.copytree(FOLDER, tmp_path / "bronze_kernel", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    return tmp_path


def test_the_library_that_the_parser_loads_is_of_these_sources(tmp_path: Path) -> None:
    assert LIBRARY.read_bytes() == build(tmp_path / "kernel.so", own_target()).read_bytes(), "run make kernel"
    loaded = ctypes.CDLL(str(LIBRARY))
    exported = re.findall(r"export fn (\w+)", (FOLDER / "kernel.zig").read_text())
    assert exported
    assert [name for name in exported if not hasattr(loaded, name)] == []


def test_a_library_of_other_sources_is_known_as_stale(tmp_path: Path) -> None:
    (tmp_path / "kernel.zig").write_text("export fn answer() u8 {\n    return 42;\n}\n")
    other = build(tmp_path / "kernel.so", own_target(), sources=tmp_path)
    assert (is_stale(), is_stale(other), is_stale(tmp_path / "none.so")) == (False, True, True)
    assert ctypes.CDLL(str(other)).answer() == 42


@pytest.mark.parametrize("machine", MACHINES)
def test_a_library_is_for_the_machine_and_asks_for_no_newer_c_library(machine: str, tmp_path: Path) -> None:
    library = build(tmp_path / "kernel.so", target_of(f"{machine}-manylinux_2_28")).read_bytes()
    assert library[:4] == b"\x7fELF"
    assert int.from_bytes(library[18:20], "little") == MACHINES[machine]
    # Versions of symbols are names in it.
    wanted = {tuple(map(int, found)) for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", library)}
    assert wanted
    assert max(wanted) <= (2, 28)


def test_another_folder_and_an_empty_cache_give_the_same_bytes(copy: Path) -> None:
    (copy / ".tools").mkdir()
    (copy / ".tools" / "zig").symlink_to(TOOLS / "zig")
    done = run(copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()) == copy / "bronze_kernel" / "kernel.so"
    assert (copy / "bronze_kernel" / "kernel.so").read_bytes() == LIBRARY.read_bytes()


def test_a_compile_error_is_told_in_the_compilers_words_and_the_old_library_stays(copy: Path) -> None:
    (copy / ".tools").mkdir()
    (copy / ".tools" / "zig").symlink_to(TOOLS / "zig")
    (copy / "bronze_kernel" / "kernel.zig").write_text("export fn answer() u8 {\n    return 300;\n}\n")
    (copy / "bronze_kernel" / "kernel.so").write_bytes(b"old")
    done = run(copy)
    assert done.returncode == 1
    assert "kernel.zig:2:12: error:" in done.stderr
    assert "  try: fix bronze_kernel/*.zig" in done.stderr
    assert (copy / "bronze_kernel" / "kernel.so").read_bytes() == b"old"
    assert not list((copy / "bronze_kernel").glob(".*"))


def test_without_a_compiler_it_says_how_to_get_one(copy: Path) -> None:
    done = run(copy)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: there is no Zig compiler to build the kernel with\n  try: make kernel installs it\n"
    )


def test_who_has_the_old_library_open_keeps_it(tmp_path: Path) -> None:
    library = tmp_path / "kernel.so"
    library.write_bytes(b"old")
    with library.open("rb") as opened:
        build(library, own_target())
        assert opened.read() == b"old"
    assert library.read_bytes() == LIBRARY.read_bytes()


@pytest.mark.parametrize(
    ("goal", "command"),
    [("test", "pytest -n"), ("demo", "demo/demo.py"), ("lambda-package", "-m control.package")],
)
def test_a_changed_source_is_compiled_before_anything_runs_on_it(goal: str, command: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--what-if", "bronze_kernel/values.zig", goal],
        cwd=ROOT,
        # Not those of a make that runs the tests.
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        check=True,
        capture_output=True,
        text=True,
    )
    before, found, after = done.stdout.partition("-m bronze_kernel.build")
    assert found
    assert command in after
    assert command not in before
