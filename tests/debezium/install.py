"""`make debezium`: fetch Debezium from Maven Central once, and check each jar that came."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
JARS = HERE.parents[1] / ".tools/debezium"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def missing(folder: Path) -> list[str]:
    """What differs between `folder` and the list: jars that are not there, others, and changed ones."""
    lines = HERE.joinpath("jars.sha256").read_text().splitlines()
    listed = {name: checksum for checksum, name in (line.split() for line in lines)}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    return sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))


def fetch(folder: Path) -> None:
    """Get every jar of pom.xml into `folder`.

    Raises RuntimeError, and leaves nothing, when one is not as listed.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise RuntimeError("Maven (mvn) is missing. Install it, then: make debezium")
    partial = folder.with_name("debezium.partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [maven, "--batch-mode", "--no-transfer-progress", "--quiet", "-f", str(HERE / "pom.xml"), _COPY]
    command += [f"-Dmaven.repo.local={partial / 'repository'}", f"-DoutputDirectory={partial / 'jars'}"]
    try:
        subprocess.run([*command, "-DincludeScope=runtime"], stdout=sys.stderr, check=True)
        if wrong := missing(partial / "jars"):
            raise RuntimeError(f"not as tests/debezium/jars.sha256 lists them: {', '.join(wrong)}")
        shutil.rmtree(folder, ignore_errors=True)
        partial.joinpath("jars").rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


if __name__ == "__main__":
    if not JARS.is_dir() or missing(JARS):
        fetch(JARS)
    print(f"Debezium is in {JARS}")
