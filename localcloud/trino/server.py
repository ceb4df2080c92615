"""Start the Trino of this cloud: its configuration, its memory, its command."""

import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.config import DEFAULT_HEAP_MB, HOST
from localcloud.trino.install import Installation

MIN_HEAP_MB, MAX_HEAP_MB = 768, 2048
"""With less it does not start; with more it would take too much of a laptop's memory."""

HIVE, ICEBERG = "awsdatacatalog", "iceberg"
"""The catalogs: queries name the first, which redirects to the second for Iceberg tables."""

_MAX_OPEN_PARTITIONS = 100


@dataclass(frozen=True, slots=True)
class Place:
    """What a server needs to know about its cloud."""

    port: int
    endpoint: str
    region: str
    bucket: str
    heap_mb: int = DEFAULT_HEAP_MB


def command(found: Installation, folder: Path, place: Place) -> list[str]:
    """Write the configuration into the empty folder `folder`; return the command that starts the server."""
    catalogs = folder / "catalogs"
    catalogs.mkdir()
    _write(folder / "config.properties", _server(place))
    _write(folder / "log.properties", {"io.trino": "WARN"})
    for name, properties in (HIVE, _hive(place)), (ICEBERG, _iceberg(place)):
        _write(catalogs / f"{name}.properties", properties)
    settings = {
        "node.environment": "local",
        "node.id": "local",
        "node.bind-ip": HOST,
        "node.internal-address": HOST,
        "node.data-dir": str(folder / "data"),
        "config": str(folder / "config.properties"),
        "catalog.config-dir": str(catalogs),
        "log.levels-file": str(folder / "log.properties"),
        "plugin.dir": str(found.home / "plugin"),
    }
    options = [f"-D{key}={value}" for key, value in settings.items()]
    temporary = folder / "tmp"
    temporary.mkdir()
    jars = os.path.join(found.home, "lib", "*")  # noqa: PTH118  Java expands the star
    jvm = [*_jvm(place.heap_mb), f"-Djava.io.tmpdir={temporary}"]
    return [str(found.java), *jvm, *options, "-cp", jars, "io.trino.server.TrinoServer"]


def ready(port: int) -> bool:
    """Whether the server on `port` accepts statements and has a node that runs them.

    The server answers HTTP long before it accepts statements. It reports itself as started up to five seconds
    before it next looks at its nodes; until then, an INSERT fails with "nodes is empty".
    """
    return _started(port) and _has_a_node(port)


def _started(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/v1/info")
        return json.loads(connection.getresponse().read()).get("starting") is False
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _has_a_node(port: int) -> bool:
    # Imported here: otherwise an `up` without Trino would load all that the gateway imports.
    from localcloud.athena.engines.trino.client import Client, StatementError
    from localcloud.athena.errors import AthenaError

    try:
        found = Client(f"http://{HOST}:{port}").run(
            "select node_id from system.runtime.nodes where state = 'active'"
        )
    except (AthenaError, StatementError):
        return False
    return bool(found.pages)


def _jvm(heap_mb: int) -> list[str]:
    return [
        f"-Xmx{heap_mb}M",
        "-XX:+UseSerialGC",  # two cores: no collector threads beside those of the queries
        "-XX:+ExitOnOutOfMemoryError",
        # Short queries gain nothing from the second compiler: 21 models took 41 CPU seconds, 81 with it.
        "-XX:TieredStopAtLevel=1",
        "-XX:ReservedCodeCacheSize=192M",
        "-Djdk.attach.allowAttachSelf=true",
        "-XX:+EnableDynamicAgentLoading",
        "-Dfile.encoding=UTF-8",
        "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED",
    ]


def _server(place: Place) -> dict[str, str]:
    return {
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": str(place.port),
        "http-server.log.enabled": "false",  # otherwise it writes into the working directory
        "discovery.uri": f"http://{HOST}:{place.port}",
        "catalog.management": "static",
        "query.max-memory": f"{place.heap_mb * 2 // 5}MB",
        "query.max-memory-per-node": f"{place.heap_mb * 2 // 5}MB",
        "memory.heap-headroom-per-node": f"{place.heap_mb // 4}MB",
        "task.concurrency": "2",
        "task.max-worker-threads": "4",
        "task.min-writer-count": "1",
        "task.max-writer-count": "1",
        "query.client.timeout": "2m",
        "query.min-expire-age": "10s",
        "query.max-history": "50",
        "web-ui.enabled": "false",
    }


def _hive(place: Place) -> dict[str, str]:
    return {
        "connector.name": "hive",
        "hive.metastore": "glue",
        "hive.iceberg-catalog-name": ICEBERG,
        "hive.metastore-cache-ttl": "0s",
        "hive.metastore-stats-cache-ttl": "0s",
        "hive.non-managed-table-writes-enabled": "true",
        "hive.recursive-directories": "true",
        "hive.partition-projection-enabled": "true",
        "hive.collect-column-statistics-on-write": "false",
        "hive.table-statistics-enabled": "false",
        "hive.storage-format": "PARQUET",
        "hive.max-partitions-per-writers": str(_MAX_OPEN_PARTITIONS),
        "hive.security": "allow-all",
        "hive.metastore.glue.partitions-segments": "1",
        **_storage(place),
    }


def _iceberg(place: Place) -> dict[str, str]:
    return {
        "connector.name": "iceberg",
        "iceberg.catalog.type": "glue",
        "iceberg.hive-catalog-name": HIVE,
        "iceberg.file-format": "PARQUET",
        "iceberg.compression-codec": "ZSTD",
        "iceberg.max-partitions-per-writer": str(_MAX_OPEN_PARTITIONS),
        "iceberg.unique-table-location": "false",
        "iceberg.allowed-extra-properties": "*",
        "iceberg.security": "allow-all",
        **_storage(place),
    }


def _storage(place: Place) -> dict[str, str]:
    return {
        "hive.metastore.glue.region": place.region,
        "hive.metastore.glue.endpoint-url": place.endpoint,
        "hive.metastore.glue.aws-access-key": "local",
        "hive.metastore.glue.aws-secret-key": "local",
        "hive.metastore.glue.default-warehouse-dir": f"s3://{place.bucket}/trino",
        "fs.native-s3.enabled": "true",
        "s3.endpoint": place.endpoint,
        "s3.region": place.region,
        "s3.path-style-access": "true",
        "s3.aws-access-key": "local",
        "s3.aws-secret-key": "local",
    }


def _write(path: Path, properties: Mapping[str, str]) -> None:
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
