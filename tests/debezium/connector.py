"""A real Debezium that reads a real PostgreSQL: started, killed and started again."""

import shutil
import subprocess
from pathlib import Path

from install import jars

# As docs/raw-files.md advises. Offsets are saved only every 5 s, so that more is repeated after a kill.
SETTINGS = """
name=shop
connector.class=io.debezium.connector.postgresql.PostgresConnector
topic.prefix=shop
plugin.name=pgoutput
publication.autocreate.mode=filtered
snapshot.mode=initial
database.hostname=127.0.0.1
database.user=shop
database.password=none
database.dbname=postgres
key.converter.schemas.enable=false
value.converter.schemas.enable=false
decimal.handling.mode=string
time.precision.mode=isostring
skipped.operations=none
offset.storage=org.apache.kafka.connect.storage.FileOffsetBackingStore
offset.flush.interval.ms=5000
max.batch.size=64
poll.interval.ms=20
"""


class Connector:
    """One connector; `folder` keeps its offsets, its log and its files."""

    def __init__(self, folder: Path, port: int, tables: str) -> None:
        self.jars, self.folder, self.out = jars("debezium"), folder, folder / "out"
        self.out.mkdir(parents=True)
        own = f"database.port={port}\ntable.include.list={tables}\n"
        own += f"offset.storage.file.filename={folder / 'offsets'}\n"
        folder.joinpath("connector.properties").write_text(SETTINGS + own)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, or resume from the last saved offsets."""
        java = shutil.which("java")
        if java is None:
            raise RuntimeError("no Java here. Install a JDK of 17 or newer")
        command = [java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{self.jars}/*"]
        command += [str(Path(__file__).with_name("Capture.java"))]
        command += [str(self.folder / "connector.properties"), str(self.out)]
        with self.folder.joinpath("log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        """Kill it, as a crash would; everything after its last saved offsets is delivered again."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=60)
            self.process = None

    def is_running(self) -> bool:
        """Return whether it was started and has not ended by itself."""
        return self.process is not None and self.process.poll() is None

    def lines(self) -> list[str]:
        """Return every record written so far, in order of delivery."""
        return [line for path in self.files() for line in path.read_text().splitlines()]

    def files(self) -> list[Path]:
        """Return the complete files, in the order in which they were written."""
        return sorted(self.out.glob("*.json"))

    def fail(self, why: str) -> None:
        """Raise RuntimeError with the latest output."""
        raise RuntimeError(f"{why}\n{self.folder.joinpath('log').read_text()[-4000:]}")
