"""A real Kafka and Kafka Connect, in which Debezium reads a PostgreSQL and a sink writes to S3."""

import gzip
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "debezium"))
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from install import jars
from lakehouse import Lakehouse

# Killed members time out after 2 s instead of 9 (a broker) and 45 (a worker).
BROKER = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
log.dirs={folder}/topics
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
"""
# Offsets are committed every 2 s instead of 60; a sink also writes its files then.
WORKER = """
bootstrap.servers=127.0.0.1:{broker}
listeners=http://127.0.0.1:{rest}
group.id=connect
config.storage.topic=connect-configs
offset.storage.topic=connect-offsets
status.storage.topic=connect-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=1
status.storage.partitions=1
plugin.path={folder}/plugins
plugin.discovery=service_load
key.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
offset.flush.interval.ms=2000
session.timeout.ms=2000
heartbeat.interval.ms=500
scheduled.rebalance.max.delay.ms=0
consumer.session.timeout.ms=2000
consumer.heartbeat.interval.ms=500
consumer.metadata.max.age.ms=1000
"""
# As docs/raw-files.md advises, except for the topic's partitions: with several, records overtake each other.
DEBEZIUM = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "topic.prefix": "shop",
    "plugin.name": "pgoutput",
    "publication.autocreate.mode": "filtered",
    "database.hostname": "127.0.0.1",
    "database.user": "shop",
    "database.password": "none",
    "database.dbname": "postgres",
    "decimal.handling.mode": "string",
    "time.precision.mode": "isostring",
    "skipped.operations": "none",
    "topic.creation.default.partitions": "3",
    "topic.creation.default.replication.factor": "1",
    "max.batch.size": "64",
    "poll.interval.ms": "20",
}
SINK = {
    "topics.regex": r"shop\.public\..*",
    "transforms": "table",
    "transforms.table.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.table.regex": r"shop\.public\.(.*)",
    "transforms.table.replacement": "$1",
    "file.name.template": "raw/{{topic}}/{{partition}}-{{start_offset:padding=true}}.json.gz",
    "file.compression.type": "gzip",
    "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
    "format.output.type": "csv",
    "format.output.fields": "value",
    "format.output.fields.value.encoding": "none",
}
# For a sink that parses the records as JSON and writes them again.
AS_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "format.output.type": "jsonl",
    "format.output.envelope": "false",
}
OURS, AIVEN = "S3Sink", "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector"


class Pipeline:
    """From a source's tables to a bucket: a broker, and a worker with both connectors.

    `folder` keeps their files and logs. `plugin` is the folder of Aiven's connector, if there is one;
    otherwise the sink is `S3Sink.java`.
    """

    def __init__(self, folder: Path, port: int, tables: str, lakehouse: Lakehouse, plugin: str = "") -> None:
        java = shutil.which("java")
        if java is None:
            raise RuntimeError("no Java here. Install a JDK of 17 or newer")
        self.folder, self.lakehouse = folder, lakehouse
        sink = folder / "plugins/sink"
        sink.parent.mkdir(parents=True)
        if plugin:
            sink.symlink_to(Path(plugin).resolve())
        else:
            compile_to(sink)
        self.java = [java, "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        self.java += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars('kafka')}/*"]
        ports = {name: free_port() for name in ("broker", "controller", "rest")}
        self.rest = f"http://127.0.0.1:{ports['rest']}"
        for name, settings in (("broker", BROKER), ("worker", WORKER)):
            text = settings.format(**ports, folder=folder)
            folder.joinpath(f"{name}.properties").write_text(text)
        self.connectors = {
            "debezium": {**DEBEZIUM, "database.port": str(port), "table.include.list": tables},
            "sink": {**SINK, "connector.class": AIVEN if plugin else OURS, **bucket(lakehouse.env)},
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.landed: dict[tuple[str, str], list[str]] = {}

    def start(self) -> None:
        """Start what is not running; connectors resume from their offsets."""
        if not self.folder.joinpath("topics").exists():
            format_ = ["kafka.tools.StorageTool", "format", "-t", "lakehouse", "-c", "broker.properties"]
            subprocess.run([*self.java, *format_], cwd=self.folder, check=True, capture_output=True)
        self._run("broker", "kafka.Kafka")
        self._run("worker", "org.apache.kafka.connect.cli.ConnectDistributed")
        for name, settings in self.connectors.items():
            self.ask("PUT", f"/connectors/{name}/config", settings)

    def _run(self, name: str, main: str) -> None:
        if name not in self.running:
            with self.folder.joinpath(f"{name}.log").open("ab") as log:
                command = [*self.java, main, f"{name}.properties"]
                self.running[name] = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def kill(self) -> None:
        """Kill all processes, as a crash would."""
        for process in self.running.values():
            process.kill()
            process.wait(timeout=60)
        self.running.clear()

    def deliver_again(self) -> None:
        """Reset the sink's offsets, so that it delivers everything again."""
        self.ask("PUT", "/connectors/sink/stop")
        self.ask("DELETE", "/connectors/sink/offsets")
        self.ask("PUT", "/connectors/sink/resume")

    def ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        """Return the worker's answer, once it is up and no rebalance is in progress.

        Raises RuntimeError with the answer if the worker refuses.
        """
        content = None if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.rest + path, content, kind, method=method)
        why = ""
        for _ in range(600):
            if any(process.poll() is not None for process in self.running.values()):
                break
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read() or "null")
            except urllib.error.HTTPError as error:
                why = error.read().decode()
                if error.code not in (404, 409, 500, 503):
                    break
            except OSError as error:
                why = str(error)
            time.sleep(0.1)
        raise self.failure(f"{method} {path}: {why}")

    def is_running(self) -> bool:
        """Return whether all processes run and no connector has failed."""
        if not self.running or any(process.poll() is not None for process in self.running.values()):
            return False
        states = [self.ask("GET", f"/connectors/{name}/status") for name in self.connectors]
        return not any("FAILED" in json.dumps(state) for state in states)

    def lines(self) -> list[str]:
        """Return every record landed so far, from all versions of all files."""
        s3 = self.lakehouse.s3()
        pages = s3.get_paginator("list_object_versions").paginate(Bucket="lake", Prefix="raw/")
        found = [item for page in pages for item in page.get("Versions", [])]
        for item in sorted(found, key=lambda item: item["LastModified"]):
            name = item["Key"], item["VersionId"]
            if name not in self.landed:
                body = s3.get_object(Bucket="lake", Key=name[0], VersionId=name[1])["Body"].read()
                self.landed[name] = gzip.decompress(body).decode().splitlines()
        # A delete is followed by a tombstone, which the sink writes as an empty line or a null.
        return [line for lines in self.landed.values() for line in lines if line not in ("", "null")]

    def fail(self, why: str) -> None:
        """Raise RuntimeError with the latest output."""
        raise self.failure(why)

    def failure(self, why: str) -> RuntimeError:
        """Return an error of `why` and the latest output of the processes."""
        logs = [self.folder.joinpath(f"{name}.log").read_text()[-4000:] for name in self.running]
        return RuntimeError("\n".join([why, *logs]))


def bucket(env: Mapping[str, str]) -> dict[str, str]:
    """Return the location of the lakehouse as settings of the sink."""
    return {
        "aws.s3.bucket.name": "lake",
        "aws.s3.region": env["AWS_REGION"],
        "aws.s3.endpoint": env["AWS_ENDPOINT_URL"],
        "aws.access.key.id": env["AWS_ACCESS_KEY_ID"],
        "aws.secret.access.key": env["AWS_SECRET_ACCESS_KEY"],
    }


def compile_to(folder: Path) -> None:
    """Make `folder` a plugin with the sink of `S3Sink.java`."""
    announced = folder / "META-INF/services/org.apache.kafka.connect.sink.SinkConnector"
    announced.parent.mkdir(parents=True)
    announced.write_text(OURS)
    source = Path(__file__).with_name(f"{OURS}.java")
    compiler = ["javac", "-nowarn", "-cp", f"{jars('kafka')}/*", "-d", str(folder), str(source)]
    subprocess.run(compiler, check=True, capture_output=True)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
