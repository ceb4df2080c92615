"""`make debezium` and `make kafka`: fetch jars from Maven Central once, and check each of them.

In the folder `tests/NAME`, `pom.xml` requests them and `jars.sha256` lists what that resolves to.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def jars(name: str) -> Path:
    """Return the folder with the jars of `name`. Raises RuntimeError if they are missing."""
    folder = _folder(name)
    if differing(name, folder):
        raise RuntimeError(f"no {name.capitalize()} here. Fetch it: make {name}")
    return folder


def _folder(name: str) -> Path:
    return TESTS.parent / ".tools" / name


def differing(name: str, folder: Path) -> list[str]:
    """Return how `folder` differs from the list: missing, unknown and changed jars."""
    lines = (TESTS / name / "jars.sha256").read_text().splitlines()
    listed = {jar: checksum for checksum, jar in (line.split() for line in lines)}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    return sorted(jar for jar in listed.keys() | found.keys() if listed.get(jar) != found.get(jar))


def fetch(name: str) -> None:
    """Fetch every jar that the pom.xml requests.

    Raises RuntimeError, and leaves nothing, if one is not as listed.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise RuntimeError(f"Maven (mvn) is missing. Install it, then: make {name}")
    folder = _folder(name)
    partial = folder.with_name(f"{name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [maven, "--batch-mode", "--no-transfer-progress", "--quiet"]
    command += ["-f", str(TESTS / name / "pom.xml")]
    command += [f"-Dmaven.repo.local={partial / 'repository'}", f"-DoutputDirectory={partial / 'jars'}"]
    try:
        subprocess.run([*command, "-DincludeScope=runtime", _COPY], stdout=sys.stderr, check=True)
        if wrong := differing(name, partial / "jars"):
            raise RuntimeError(f"not as tests/{name}/jars.sha256 lists them: {', '.join(wrong)}")
        shutil.rmtree(folder, ignore_errors=True)
        partial.joinpath("jars").rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


if __name__ == "__main__":
    [wanted] = sys.argv[1:]
    if differing(wanted, _folder(wanted)):
        fetch(wanted)
    print(f"{wanted.capitalize()} is in {jars(wanted)}")
