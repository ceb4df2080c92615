"""Archives for the functions, Spark and dbt, named by their content so that each is uploaded once."""

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from control.errors import NotFoundError, UpstreamError

# The files that a machine needs to build the models and to maintain their tables.
PROJECT = (
    "control",
    "dbt_project.yml",
    "dbt_lakehouse",
    "pyproject.toml",
    "uv.lock",
    "README.md",
    ".ci/uv.txt",
    "contracts",
    "macros",
    "models",
    "profiles",
    "tests/dbt",
)
# The earliest time that a zip can hold, so that the same files give the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Package:
    """Objects to upload, by key, and the stack parameter that refers to them, with its value."""

    parameter: str
    value: str
    objects: dict[str, bytes]


def control(archive: Path) -> Package:
    """Return the package of the functions' archive. Raises NotFoundError."""
    content = _content(archive, "--control-zip")
    key = f"control/{_digest([content])}.zip"
    return Package("ControlCodeKey", key, {key: content})


def spark_runtime(archive: Path) -> Package:
    """Return the package of the libraries for Spark on EMR. Raises NotFoundError."""
    content = _content(archive, "--spark-runtime")
    key = f"spark/runtime-{_digest([content])}.tar.gz"
    return Package("SparkRuntimeKey", key, {key: content})


def _content(archive: Path, option: str) -> bytes:
    try:
        return archive.read_bytes()
    except OSError:
        raise NotFoundError(f"{archive} cannot be read", hint=f"name the archive with {option}") from None


def project(root: Path) -> Package:
    """Return the package of the dbt project."""
    content = _zip(root, PROJECT)
    key = f"project/{_digest([content])}.zip"
    return Package("ProjectCodeKey", key, {key: content})


def spark() -> Package:
    """Return the package of the Spark job, built by `python -m spark.package`. Raises UpstreamError."""
    with tempfile.TemporaryDirectory(prefix="dm-spark-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "spark.package", folder], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise UpstreamError(f"the Spark archive cannot be built: {done.stderr.strip()[-500:]}")
        contents = {file.name: file.read_bytes() for file in sorted(Path(folder).iterdir())}
    prefix = f"spark/{_digest(contents.values())}"
    return Package("SparkCodePrefix", prefix, {f"{prefix}/{name}": one for name, one in contents.items()})


def _zip(root: Path, parts: Iterable[str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _files(root, parts):
            entry = zipfile.ZipInfo(file.relative_to(root).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return target.getvalue()


def _files(root: Path, parts: Iterable[str]) -> list[Path]:
    found = []
    for part in parts:
        path = root / part
        if not path.exists():
            raise NotFoundError(f"{path} does not exist", hint="run dm deploy in the project's folder")
        found += [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sorted(one for one in found if "__pycache__" not in one.parts)


def _digest(contents: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for content in contents:
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()
