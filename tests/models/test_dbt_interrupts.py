"""An interrupted build stops its statements, drops what it has staged and gives back its lease."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import yaml
from bronze_lake import ROOT, Lake, clean_environment, local_cloud
from histories import brewery, record

MODELS = ("--select", "breweries_state")
WITHOUT_PLUGINS = """
import dbt.plugins.manager
dbt.plugins.manager.PluginManager.get_prefixed_modules = classmethod(lambda _: {})
"""
IN_A_THREAD = """
import threading
from dbt.adapters.athena.connections import AthenaCursor
AthenaCursor._start_execution = lambda cursor: started.append(cursor)
started, refused = [], []
from dbt_lakehouse import interrupts
def start():
    try:
        AthenaCursor._start_execution("a thread's")
    except RuntimeError as error:
        refused.append(str(error))
for _ in range(2):
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    interrupts._interrupted.set()
AthenaCursor._start_execution("the main thread's")
assert started == ["a thread's", "the main thread's"], started
assert refused == ["not started, as this run was interrupted"], refused
"""
HANDLERS = """
import os, signal, threading
from dbt_lakehouse import interrupts
for number in interrupts._HANDLERS:  # under nohup SIGHUP is ignored
    signal.signal(number, interrupts._HANDLERS[number])
def inside(heeded):
    before = [signal.getsignal(number) for number in interrupts._HANDLERS]
    with interrupts._heeded_signals():
        during = [signal.getsignal(number) for number in interrupts._HANDLERS]
        assert all((handler is interrupts._interrupt) == heeded for handler in during), during
    assert [signal.getsignal(number) for number in interrupts._HANDLERS] == before
inside(True)
thread = threading.Thread(target=inside, args=(False,))
thread.start()
thread.join()
try:
    with interrupts._heeded_signals():
        os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    assert interrupts._interrupted.is_set()
inside(True)
assert not interrupts._interrupted.is_set(), "the next run of the same process may start statements"
signal.signal(signal.SIGTERM, lambda *_: None)
inside(False)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    with interrupts._heeded_signals():
        os.kill(os.getpid(), signal.SIGINT)
        assert not interrupts._interrupted.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
except SystemExit:
    assert interrupts._interrupted.is_set()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
else:
    raise AssertionError("SIGTERM was not heeded, as Ctrl-C is ignored")
try:
    with interrupts._heeded_signals():
        os.kill(os.getpid(), signal.SIGHUP)
except SystemExit as error:
    assert error.code == 128 + signal.SIGHUP
"""
HOOKS = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["on-run-start"]
# The lease is taken while that hook is compiled, before dbt logs that it starts.
TAKING = (
    f"OK hook: lakehouse.on-run-start.{next(at for at, sql in enumerate(HOOKS) if 'take_lease' in sql) - 1}"
)
MERGING = "START sql incremental model"
# As in a terminal, even if these tests run in the background of a script, which ignores Ctrl-C.
HEEDING = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


@pytest.fixture(scope="module")
def slow_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Return a lake whose commits take a second, so that a signal finds one running."""
    folder = tmp_path_factory.mktemp("slow")
    faults = folder / "faults.toml"
    faults.write_text('[[fault]]\ndo = "delay"\ncall = "glue:UpdateTable"\nseconds = 1\n')
    up = ("up", "--port", "0", "--bucket", "lake", "--faults", str(faults), "--json")
    lake = Lake(folder, json.loads(local_cloud(*up, folder=folder / "cloud"))["endpoint"])
    try:
        lake.create_bronze()
        lake.publish("brewery", [record("insert", 1, **brewery(1))])
        lake.dbt("run", *MODELS)
        yield lake
    finally:
        local_cloud("reset", folder=folder / "cloud")


@pytest.fixture
def slow(slow_cloud: Lake) -> Lake:
    """Return the same lake with its lease free, and a batch that no model has consumed."""
    before, now = None, committed(slow_cloud)
    while before != now:  # until cancelled statements, or those of a killed build, are over
        time.sleep(2)
        before, now = now, committed(slow_cloud)
    slow_cloud.rows("update ops.lease set holder = '' where holder <> ''")
    number = len(slow_cloud.published["brewery"]) + 1
    slow_cloud.publish("brewery", [record("insert", number, **brewery(number))])
    return slow_cloud


def interrupted(lake: Lake, said: str, *signals: signal.Signals, before: str = "") -> tuple[int, str]:
    """Send a build these signals half a second after it printed `said`; return its exit code and output."""
    path = lake.folder / "interrupted.log"
    target = ("--target-path", str(lake.folder / "target"))
    paths = ("--profiles-dir", "profiles", *target, "--log-path", str(lake.folder))
    code = HEEDING + before + "from dbt.cli.main import cli\ncli()"
    with path.open("w") as output:
        build = subprocess.Popen(
            [sys.executable, "-c", code, "--no-use-colors", "run", *MODELS, *paths],
            cwd=ROOT,
            env=clean_environment() | {"AWS_ENDPOINT_URL": lake.endpoint, "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        while said not in path.read_text() and build.poll() is None:
            time.sleep(0.01)
        for number in signals:
            time.sleep(0.5)
            build.send_signal(number)
        return build.wait(timeout=60), path.read_text()


def committed(lake: Lake) -> object:
    """Return when the lease was last written."""
    (row,) = lake.rows('select max(committed_at) as latest from ops."lease$snapshots"')
    return row["latest"]


def left(lake: Lake) -> tuple[str, set[str]]:
    """Return the holder of the lease and the tables of ops."""
    (row,) = lake.rows("select holder from ops.lease")
    return str(row["holder"]), {
        table["Name"] for table in lake.client("glue").get_tables(DatabaseName="ops")["TableList"]
    }


def test_nothing_is_left_behind_and_retry_continues(slow: Lake) -> None:
    code, output = interrupted(slow, MERGING, signal.SIGINT)
    assert code != 0
    assert "Exited because of keyboard interrupt" in output
    assert "OK created" not in output, "the model was running when the signal came"
    assert left(slow) == ("", {"consumed", "lease"})
    assert slow.statuses()["breweries_state"] in ("skipped", "error")
    slow.dbt("retry")
    assert slow.statuses() == {"breweries_state": "success"}
    assert len(slow.rows("select 1 from silver.breweries_state")) == len(slow.published["brewery"])


def test_a_build_interrupted_while_taking_the_lease_gives_it_back(slow: Lake) -> None:
    code, _ = interrupted(slow, TAKING, signal.SIGTERM)
    assert code != 0
    time.sleep(2)
    assert left(slow)[0] == "", "not held by the statement that was running at the signal either"
    assert slow.statuses() == {"breweries_state": "skipped"}, "dbt retry builds it"


def test_a_second_signal_ends_it_at_once(slow: Lake) -> None:
    """Whether the lease stays is chance: the statement that gives it back may have begun."""
    code, _ = interrupted(slow, MERGING, signal.SIGINT, signal.SIGINT)
    assert code == -signal.SIGINT


def test_after_a_kill_the_lease_can_be_freed_once_no_statement_of_the_build_runs(slow: Lake) -> None:
    code, _ = interrupted(slow, MERGING, signal.SIGKILL)
    assert code == -signal.SIGKILL
    slow.dm("maintain", "free", left(slow)[0])
    athena = slow.client("athena")
    latest = athena.list_query_executions(MaxResults=20)["QueryExecutionIds"]
    found = athena.batch_get_query_execution(QueryExecutionIds=latest)["QueryExecutions"]
    assert not {one["Status"]["State"] for one in found} & {"QUEUED", "RUNNING"}
    assert left(slow)[0] == ""
    slow.dbt("run", *MODELS)
    assert len(slow.rows("select 1 from silver.breweries_state")) == len(slow.published["brewery"])


def test_without_the_plugin_the_lease_is_left(slow: Lake) -> None:
    """If this fails, the plugin is no longer needed and may go."""
    code, _ = interrupted(slow, MERGING, signal.SIGINT, before=WITHOUT_PLUGINS)
    assert code != 0
    assert left(slow)[0] != ""


@pytest.mark.parametrize("code", [IN_A_THREAD, HANDLERS], ids=["in_a_thread", "handlers"])
def test_in_a_separate_process(code: str) -> None:
    """No thread starts a statement after the signal; a host process keeps its handlers and may go on."""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
