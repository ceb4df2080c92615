"""Compile the kernel: `python -m bronze_kernel.build` writes the library for this machine.

    python -m bronze_kernel.build --target aarch64-linux-gnu.2.28 --out kernel.so

compiles for another machine. A library uses only instructions that all processors of its kind have. The build
is reproducible in any folder, so what was tested here is what a function runs.
"""

import argparse
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bronze_kernel import FOLDER, LIBRARY, name_of, texts_of

TOOLS = FOLDER.parent / ".tools"
# The oldest glibc that the locked pyarrow supports, so that one build serves every Linux.
GLIBC = "2.28"
# Processor levels other than the baseline: every x86 machine in a cloud has SSE 4.2 and popcnt.
PROCESSORS = {"x86_64": "x86_64_v2"}


class BuildError(Exception):
    """The kernel cannot be built. `message` says why, `hint` what to try; a command ends with `exit_code`."""

    def __init__(self, message: str, *, hint: str, exit_code: int) -> None:
        super().__init__(message)
        self.message, self.hint, self.exit_code = message, hint, exit_code


def target_of(wheels: str | None) -> str | None:
    """Return the target for a platform as wheels name it (`aarch64-manylinux_2_28`); None is this machine.

    Raises BuildError for a platform that is not supported.
    """
    if wheels is None:
        return own_target()
    found = re.fullmatch(r"(x86_64|aarch64)-manylinux_(\d+)_(\d+)", wheels)
    if found is None:
        raise BuildError(
            f"there is no kernel for {wheels}",
            hint="name a platform such as x86_64-manylinux_2_28 or aarch64-manylinux_2_28",
            exit_code=2,
        )
    machine, *version = found.groups()
    return f"{machine}-linux-gnu.{'.'.join(version)}"


def own_target() -> str | None:
    """Return this machine's target, None to let the compiler choose (no glibc, or another system)."""
    if platform.libc_ver()[0] != "glibc" or platform.machine() not in ("x86_64", "aarch64"):
        return None
    return f"{platform.machine()}-linux-gnu.{GLIBC}"


def build(out: Path, target: str | None, *, sources: Path = FOLDER, tools: Path = TOOLS) -> Path:
    """Compile `sources` for `target` into `out`, which is replaced atomically, and return its path.

    Takes six seconds, or none for sources that were compiled before: `tools` caches the result. Raises
    BuildError.
    """
    zig = _compiler(tools)
    machine = (target or platform.machine()).partition("-")[0]
    texts = texts_of(sources)
    options = [
        *("build-lib", "-dynamic", "-O", "ReleaseSafe", "-fstrip", "-lc"),
        *(("-target", target) if target else ()),
        *("-mcpu", PROCESSORS.get(machine, "baseline")),
        *(f"-fsoname={name_of(texts)}", "kernel.zig", "-femit-bin=kernel.so"),
    ]
    cache = tools.absolute() / "zig-cache"
    made_by = f"{_run([zig, 'version'], cache)} {options}"
    kept = cache / "kernels" / f"{hashlib.sha256(made_by.encode()).hexdigest()}.so"
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=_made(kept.parent)) as scratch:
            # Compile a copy, so that the cached library is from these texts even if someone edits the files.
            for name, text in texts.items():
                (Path(scratch) / name).write_bytes(text)
            _run([zig, *options, "--cache-dir", str(cache), "--global-cache-dir", str(cache)], Path(scratch))
            (Path(scratch) / "kernel.so").replace(kept)
    # Replaced by renaming, so that processes that have the old library loaded keep it.
    beside = _made(out.parent) / f".{os.getpid()}-{out.name}"
    shutil.copyfile(kept, beside)
    return beside.replace(out)


def _run(command: Sequence[str], folder: Path) -> str:
    """Run the compiler in `folder`, so that its messages name the sources, and return its output."""
    done = subprocess.run(command, cwd=_made(folder), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(
            f"the kernel does not compile:\n{done.stderr.strip()}",
            hint="fix bronze_kernel/*.zig as the compiler says",
            exit_code=1,
        )
    return done.stdout


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _compiler(tools: Path) -> str:
    """Return the locked compiler that `make kernel` installs, else that of this interpreter's packages."""
    for installed in tools.absolute().glob("zig/lib/python*/site-packages/ziglang/zig"):
        return str(installed)
    found = importlib.util.find_spec("ziglang")
    if found and found.origin:
        return str(Path(found.origin).with_name("zig"))
    raise BuildError(
        "there is no Zig compiler to build the kernel with", hint="make kernel installs it", exit_code=2
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and print the path; return 2 without a compiler, 1 if the sources do not compile."""
    parser = argparse.ArgumentParser(
        prog="python -m bronze_kernel.build",
        description="Compile the kernel of the bronze parser.",
        epilog="example: python -m bronze_kernel.build --target aarch64-linux-gnu.2.28 --out kernel.so",
    )
    parser.add_argument("--target", default=own_target(), help="as Zig names it (default: this machine)")
    parser.add_argument("--out", type=Path, default=LIBRARY, help="default: where the parser loads it from")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(f"{build(options.out, options.target)}\n")
    except BuildError as error:
        sys.stderr.write(f"error: {error.message}\n  try: {error.hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
