"""One endless line: memory does not grow, and the next line is read. `make sweep` uses 1 GB."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MEGABYTES = 1024 if "SWEEP" in os.environ else 96

PEAK = """
import gzip, io, random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import zstandard
from raw_files import contract
from bronze.parse import Source, parse
shape, kind, megabytes, out = sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5])
rules = contract("id bigint key", maxBadRatio=1, multiline="open" in shape, records="plain")
pack = gzip.compress if kind == "gzip" else zstandard.ZstdCompressor().compress
# Not all the same: it would be refused for its ratio.
part = b"".join(b"x" * 200 + random.Random(n).randbytes(2).hex().encode() for n in range(5140))
first, good = {
    "csv": (b"id\\n1\\n", b"\\n2\\n"),
    "open": (b'id\\n1\\n"', b'"\\n2\\n'),
    "json": (b'{"id":1}\\n', b'\\n{"id":2}\\n'),
}[shape]
raw = pack(first) + pack(part) * megabytes + pack(good)
source = Source("f", 1, 1, "json" if shape == "json" else "csv", kind)
report = parse(io.BytesIO(raw), rules, source, out)
assert (report.rows, report.reasons) == (2, {"too_long": 1}), report
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def peak_mb(shape, kind, megabytes, out):
    arguments = [str(Path(__file__).parent), shape, kind, str(megabytes), str(out)]
    run = subprocess.run(
        [sys.executable, "-c", PEAK, *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


@pytest.mark.parametrize(
    ("shape", "kind"), [("csv", "gzip"), ("open", "gzip"), ("json", "gzip"), ("json", "zstd")]
)
def test_memory_does_not_grow_with_a_line(tmp_path, shape, kind):
    some, many = (peak_mb(shape, kind, size, tmp_path) for size in (MEGABYTES // 4, MEGABYTES))
    assert many < some + 30, (some, many)
    assert many < 192
