"""Without its kernel the parser says how to get one and writes nothing; it also works from a zip archive."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from raw_files import contract_text, record

import bronze_kernel

ROOT = Path(__file__).parents[2]
ROWS = 9_000
FROM_ARCHIVE = """
import io, sys
from pathlib import Path
import bronze.parse
import bronze_kernel
from bronze import contract
raw, out = Path(sys.argv[1]), Path(sys.argv[2])
rules = contract.load(Path("thing.yaml"))
source = bronze.parse.Source("f", 1, 1, "csv")
report = bronze.parse.parse(io.BytesIO(raw.read_bytes()), rules, source, out)
print(bronze.parse.__file__, bronze_kernel.__file__, report.rows, report.quarantined, sep="\\n")
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Enter a folder with a contract and raw files: two large enough for the kernel, one too small."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("thing.yaml").write_text(contract_text("id bigint key", "name string?"))
    rows = b"".join(b"%d,name %d\n" % (n, n) for n in range(ROWS))
    Path("large.csv.gz").write_bytes(gzip.compress(b"id,name\n" + rows))
    line = json.dumps(record({"id": 1, "name": "a"})).encode() + b"\n"
    Path("large.json.gz").write_bytes(gzip.compress(line * 1_000))
    Path("small.csv.gz").write_bytes(gzip.compress(b"id,name\n1,a\nx,b\n"))
    package = tmp_path / "other" / "bronze_kernel"
    shutil.copytree(bronze_kernel.FOLDER, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    return package


def dm(raw: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "control.cli.main", "parse", raw, "--file-id", "f"]
    return subprocess.run(
        [*command, "--contract", "thing.yaml", "--out", "out"], check=False, capture_output=True, text=True
    )


def written() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}


def no_kernel(package: Path) -> None:
    (package / "kernel.so").unlink()


def kernel_of_other_sources(package: Path) -> None:
    with (package / "values.zig").open("a") as source:
        source.write("// changed\n")


def not_a_kernel(package: Path) -> None:
    (package / "kernel.so").write_bytes(b"what somebody has downloaded")


NOT_BUILT = "the parser's kernel was not built from the present sources"
NOT_LOADED = "the parser's kernel cannot be loaded: "


@pytest.mark.parametrize("broken", [no_kernel, kernel_of_other_sources, not_a_kernel])
@pytest.mark.parametrize("raw", ["large.csv.gz", "large.json.gz"])
def test_a_kernel_that_was_not_built_is_reported_with_what_builds_it(broken, raw, place):
    broken(place)
    run = dm(raw)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"error: {NOT_BUILT}\n  try: build it for this machine with `make kernel`\n"
    assert written() == {}


def kernel_of_another_machine(package: Path) -> None:
    library = package / "kernel.so"
    elf = bytearray(library.read_bytes())
    elf[18:20] = (21).to_bytes(2, "little")  # e_machine: 64-bit PowerPC
    library.write_bytes(elf)


@pytest.mark.parametrize("broken", [no_kernel, not_a_kernel, kernel_of_another_machine])
def test_in_a_package_without_sources_the_reason_of_a_failed_load_is_shown(broken, place):
    for source in place.glob("*.zig"):
        source.unlink()
    assert dm("large.csv.gz").returncode == 0
    before = written()
    assert len(before) == 1
    broken(place)
    run = dm("large.csv.gz")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"error: {NOT_LOADED}")
    assert run.stderr.endswith("  try: build it for this machine with `make kernel`\n")
    assert "Traceback" not in run.stderr
    assert written() == before, "the output of an earlier run was lost"


def test_a_small_file_needs_no_kernel(place):
    no_kernel(place)
    run = dm("small.csv.gz")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("2 records in 3 lines: 1 rows, 1 quarantined")


def test_from_an_archive_the_parser_loads_its_kernel_and_leaves_no_copy(tmp_path, place):
    archive, scratch = tmp_path / "ingest.zip", tmp_path / "scratch"
    scratch.mkdir()
    with zipfile.ZipFile(archive, "w") as target:
        for source in [
            *ROOT.glob("bronze/*.py"),
            bronze_kernel.FOLDER / "__init__.py",
            bronze_kernel.LIBRARY,
        ]:
            target.write(source, source.relative_to(ROOT))
    done = subprocess.run(
        [sys.executable, "-P", "-c", FROM_ARCHIVE, "large.csv.gz", "out"],
        env={**os.environ, "PYTHONPATH": str(archive), "TMPDIR": str(scratch)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    parser, kernel, rows, quarantined = done.stdout.splitlines()
    assert parser.startswith(f"{archive}/")
    assert kernel.startswith(f"{archive}/")
    assert (rows, quarantined) == (str(ROWS), "0")
    assert list(scratch.iterdir()) == []
