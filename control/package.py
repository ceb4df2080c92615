"""Build the package for AWS Lambda: `python -m control.package DIR` writes a zip.

It has the handlers, the contracts, and the locked libraries, verified by hash, without the parts that no
handler needs; the parser's kernel is compiled for the platform. The build is reproducible, and the zip is
named after its content, so a deployment uploads each version only once.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

import bronze_kernel.build as kernel
from control.errors import UsageError, meaning

ROOT = Path(__file__).resolve().parents[1]
# The runtime and architecture of `infra/params`.
PYTHON, PLATFORM = "3.13", "x86_64-manylinux_2_28"
# Lambda's limit on the unzipped size.
MOST_BYTES = 250 * 1024 * 1024
LIBRARIES = frozenset(
    [
        *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
        *("isal", "msgspec", "pyarrow", "pyyaml"),
    ]
)
SERVICES = frozenset(["athena", "dynamodb", "emr-serverless", "glue", "s3", "sns", "sqs", "sts"])
# Unneeded parts of pyarrow: Flight, its own remote file systems, headers, tests. 94 of 166 MB remain.
NOT_OF_PYARROW = (
    *("include/*", "includes/*", "src/*", "tests/*", "*.pxd", "*.pxi", "*.pyx", "*.h", "*.cpp", "*.cc"),
    *(
        "*flight*",
        "_substrait*",
        "*s3fs*",
        "libarrow_s3*",
        "*gcsfs*",
        "*azurefs*",
        "*hdfs*",
        "*orc.*",
        "*gandiva*",
    ),
    *("libarrow_python.so", "libarrow_python.so.*.*.*"),
)
# The earliest timestamp that a zip can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)


def package(folder: Path, *, python: str = PYTHON, platform: str | None = PLATFORM) -> Path:
    """Write the zip to `folder`, delete older ones there, and return its path.

    `platform` None means this machine's. Raises UsageError if the kernel cannot be built, ValueError if the
    unzipped size is above Lambda's limit, CalledProcessError if `uv` fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dm-package-") as scratch:
        library = _kernel(Path(scratch) / "kernel.so", platform)
        libraries = Path(scratch) / "libraries"
        install(libraries, python, platform, LIBRARIES)
        content = dict(sorted([*_own(), library, *needed_files(libraries, NOT_OF_PYARROW)]))
        size = sum(path.stat().st_size for path in content.values())
        if size > MOST_BYTES:
            raise ValueError(f"it unpacks to {size:,} bytes; Lambda's limit is {MOST_BYTES:,}")
        target = folder / f"control-{digest(content)}.zip"
        with zipfile.ZipFile(target, "w") as archive:
            for name, path in content.items():
                entry = zipfile.ZipInfo(name, EPOCH)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, path.read_bytes())
    remove_older(target)
    return target


def remove_older(archive: Path) -> None:
    """Remove other archives beside `archive`, so that `control-*.zip` in a command matches only this one."""
    kind, _, _ = archive.name.partition("-")
    for other in archive.parent.glob(f"{kind}-*{archive.suffix}"):
        if other != archive:
            other.unlink()


def _own() -> Iterator[tuple[str, Path]]:
    """Our code, and the contracts that the handlers read from their own folder."""
    for pattern in (
        *("bronze/**/*.py", "bronze_kernel/__init__.py", "control/**/*.py"),
        *(
            "contracts/bronze/*.yaml",
            "contracts/rendered/bronze/*.json",
            "contracts/silver/*.yaml",
            "LICENSE",
            "NOTICE",
        ),
    ):
        for path in ROOT.glob(pattern):
            yield path.relative_to(ROOT).as_posix(), path


def _kernel(file: Path, platform: str | None) -> tuple[str, Path]:
    """The kernel's library, written to `file`, as the parser looks for it."""
    try:
        return "bronze_kernel/kernel.so", kernel.build(file, kernel.target_of(platform))
    except kernel.BuildError as error:
        raise UsageError(error.message, hint=error.hint) from None


def needed_files(folder: Path, not_of_pyarrow: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Yield the name and path of each installed file that is needed."""
    for path in folder.rglob("*"):
        name = PurePosixPath(path.relative_to(folder).as_posix())
        if path.is_file() and _is_needed(name, not_of_pyarrow):
            yield str(name), path


def _is_needed(name: PurePosixPath, not_of_pyarrow: Sequence[str]) -> bool:
    top, *rest = name.parts
    inside = PurePosixPath(*rest)
    if top.endswith(".dist-info"):  # authors and licences only
        return name.name == "METADATA" or "licen" in str(name).lower() or name.name.startswith("NOTICE")
    if top == "pyarrow":
        return not any(_matches(inside, pattern) for pattern in not_of_pyarrow)
    if top == "botocore" and rest[0] == "data" and len(rest) > 2:
        return rest[1] in SERVICES
    return top != "bin" and "__pycache__" not in name.parts and not top.startswith(".")


def _matches(name: PurePosixPath, pattern: str) -> bool:
    folder, slash, _ = pattern.partition("/")
    return name.parts[0] == folder if slash else name.match(pattern)


def install(folder: Path, python: str, platform: str | None, libraries: Collection[str]) -> None:
    """Install the named libraries, as locked, for `python` on `platform`; wheels only, nothing is built here.

    Raises UsageError without `uv`, CalledProcessError if it fails.
    """
    uv = _uv(ROOT)

    def run(*arguments: str) -> str:
        command = [uv, "--quiet", *arguments]
        environment = {**os.environ, "UV_PREVIEW_FEATURES": "package-conflicts"}
        return subprocess.run(
            command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    exported = run("export", "--locked", "--no-default-groups", "--no-emit-project", "--no-header")
    wanted = [
        block for block in _requirements(exported) if block.partition("==")[0].strip().lower() in libraries
    ]
    requirements = folder.with_suffix(".txt")
    requirements.write_text("\n".join(wanted) + "\n")
    target = ("--python-platform", platform) if platform else ()
    run(
        *("pip", "install", "--target", str(folder), "--python-version", python, *target),
        *("--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(requirements)),
    )


def _uv(root: Path) -> str:
    """The `uv` that `make setup` has put into the project, else the one on PATH."""
    found = shutil.which(str(root / ".tools" / "bin" / "uv")) or shutil.which("uv")
    if found is None:
        raise UsageError(
            "uv, which fetches the libraries, was not found", hint="run make setup in the project's folder"
        )
    return found


def _requirements(exported: str) -> Iterator[str]:
    """The entries of a requirements file, each with its hashes."""
    lines: list[str] = []
    for line in exported.splitlines():
        if line.lstrip().startswith("#"):
            continue
        if lines and not line.startswith(" "):
            yield "\n".join(lines)
            lines = []
        lines.append(line)
    yield "\n".join(lines)


def digest(content: dict[str, Path]) -> str:
    """Return 16 hex digits that identify the names and contents."""
    found = hashlib.sha256()
    for name, path in content.items():
        found.update(f"{name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()[:16]


def main() -> int:
    """Write the zip and print its path; return 2 if a tool to build it with is missing."""
    return run_command_line(package, "Write the zip that Lambda runs.", PYTHON, PLATFORM)


def run_command_line(write: Callable[..., Path], about: str, python: str, platform: str) -> int:
    """Parse the command line of a module that builds a package, call `write`, and print the path."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default=python, help="version of the interpreter")
    parser.add_argument("--platform", default=platform, help="as uv names it, such as aarch64-manylinux_2_28")
    options = parser.parse_args()
    try:
        sys.stdout.write(f"{write(options.folder, python=options.python, platform=options.platform)}\n")
    except UsageError as error:
        sys.stderr.write(f"error: {error.message}\n  try: {error.hint}\n")
        return meaning(error).exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
