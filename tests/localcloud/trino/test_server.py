import socket
import subprocess
import sys
import time
from pathlib import Path

from localcloud.trino.install import Installation
from localcloud.trino.server import Place, command, ready


def _properties(path: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {key: value for key, _, value in pairs}


def test_the_server_listens_on_loopback_only_and_has_a_memory_limit(tmp_path: Path) -> None:
    place = Place(
        port=4711, endpoint="http://127.0.0.1:4666", region="eu-west-1", bucket="lake", heap_mb=1024
    )
    found = command(Installation(tmp_path / "home", tmp_path / "java"), tmp_path, place)
    assert found[0] == str(tmp_path / "java")
    assert "-Xmx1024M" in found
    assert "-Dnode.bind-ip=127.0.0.1" in found
    server = _properties(tmp_path / "config.properties")
    assert server["http-server.http.port"] == "4711"
    # A query and its headroom fit into the heap.
    memory = [server["query.max-memory-per-node"], server["memory.heap-headroom-per-node"]]
    assert sum(int(text.removesuffix("MB")) for text in memory) < 1024


def test_both_catalogs_use_the_clouds_own_glue_and_s3(tmp_path: Path) -> None:
    place = Place(port=1, endpoint="http://127.0.0.1:4666", region="eu-west-1", bucket="lake")
    command(Installation(tmp_path / "home", tmp_path / "java"), tmp_path, place)
    for name in ("awsdatacatalog", "iceberg"):
        catalog = _properties(tmp_path / "catalogs" / f"{name}.properties")
        assert catalog["s3.endpoint"] == catalog["hive.metastore.glue.endpoint-url"] == place.endpoint
        assert catalog["s3.region"] == "eu-west-1"


def test_a_server_is_ready_when_it_has_started_and_counts_a_node(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert not ready(port)
    config = tmp_path / "config.properties"
    config.write_text(f"http-server.http.port={port}\n")
    fake = Path(__file__).parent / "fake_java.py"
    process = subprocess.Popen([sys.executable, fake, f"-Dconfig={config}"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.02)
        # It is starting twice, has no node once, and then one.
        assert [ready(port) for _ in range(5)] == [False, False, False, True, True]
    finally:
        process.kill()
        process.wait()
