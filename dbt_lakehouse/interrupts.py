"""Have an interrupted run end in order, like a failed one.

When interrupted, dbt stops the statements of its threads and waits for them, but skips the `on-run-end`
hooks, where a build releases its lease. Its results omit the nodes that were not run, so `dbt retry` finds
nothing to do, and the statement that its main thread waits for keeps running. dbt does not handle SIGTERM
(from CI and schedulers) or SIGHUP (from a closed terminal) at all. It also skips `on-run-end` if a hook of
`on-run-start` raises an error. Here all of these end in the same way.

If the cloud cannot be reached, or models depend on each other in a cycle, one line says so in place of a
traceback of a hundred lines.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from botocore.exceptions import EndpointConnectionError
from dbt.adapters.athena.connections import AthenaCursor
from dbt.adapters.factory import get_adapter
from dbt.artifacts.schemas.results import RunStatus
from dbt.artifacts.schemas.run import RunResult
from dbt.compilation import Linker
from dbt.contracts.graph.nodes import Exposure
from dbt.task.run import RunTask
from dbt.task.runnable import GraphRunnableTask
from dbt_common.exceptions import DbtRuntimeError

# When a hook's statement fails, dbt skips all nodes and reads the schema of each. Exposures have none, so dbt
# would fail with an AttributeError that hides the hook's error, and skip `on-run-end`.
Exposure.schema = ""  # type: ignore[attr-defined]

_execute, _before, _populate, _start, _await, _link = (
    RunTask.execute_with_hooks,
    RunTask.before_run,
    GraphRunnableTask.populate_adapter_cache,
    AthenaCursor._start_execution,
    AthenaCursor._await_completion,
    Linker.link_graph,
)
_UNREACHABLE = (
    'Nothing was done. Start the local cloud with `dm local up`, then `eval "$(dm env)"`;'
    " for AWS, check the network"
)
_HANDLERS: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
_interrupted = threading.Event()


def _execute_with_hooks(task: RunTask, selected: Any) -> Any:
    """Run the nodes; when interrupted, also the `on-run-end` hooks, since no thread is working by then."""
    with _heeded_signals():
        try:
            return _execute(task, selected)
        except (KeyboardInterrupt, SystemExit):
            done = list(task.node_results)
            _skip_the_rest(task)
            task.after_run(get_adapter(task.config), done)
            raise


def _skip_the_rest(task: RunTask) -> None:
    """Add each node that was not run to the results as skipped, as dbt does for `--fail-fast`."""
    known = {result.node.unique_id for result in task.node_results}  # type: ignore[attr-defined]
    rest = [node for node in task._flattened_nodes or () if node.unique_id not in known]
    task.node_results += [RunResult.from_node(node, RunStatus.Skipped, "interrupted") for node in rest]
    if task.args.write_json:
        took, now = time.time() - task.started_at, datetime.now(UTC).replace(tzinfo=None)
        task.get_result(task.node_results, took, now).write(task.result_path())  # type: ignore[no-untyped-call]


def _before_run(task: RunTask, adapter: Any, selected: Any) -> Any:
    """Run the `on-run-start` hooks; if one raises, also those of `on-run-end`: the run may have the lease."""
    try:
        return _before(task, adapter, selected)
    except Exception as error:
        with suppress(Exception):  # the first error is the one to report
            task.after_run(adapter, [])
        if isinstance(error, EndpointConnectionError):
            raise _unreachable(error) from error
        raise


def _populate_adapter_cache(task: GraphRunnableTask, *args: Any, **given: Any) -> None:
    """List the existing tables: the first request to the cloud of `dbt show` and similar commands."""
    try:
        _populate(task, *args, **given)
    except EndpointConnectionError as error:
        raise _unreachable(error) from error


def _unreachable(error: EndpointConnectionError) -> DbtRuntimeError:
    """The error as one of dbt's own: for any other, dbt prints the whole traceback."""
    return DbtRuntimeError(f"{error}. {_UNREACHABLE}")


def _link_graph(linker: Linker, manifest: Any) -> None:
    """Order the models, and say what to do if they form a cycle."""
    try:
        _link(linker, manifest)
    except RuntimeError as error:
        way = "A model cannot ref() itself or what depends on it; {{ this }} is what it held before"
        raise DbtRuntimeError(f"{error}. {way}") from error


@contextmanager
def _heeded_signals() -> Iterator[None]:
    """Handle signals with `_interrupt`, unless a host that runs dbt in its own process has its own handlers.

    Ignored signals stay ignored: Ctrl-C for a script's background process, SIGHUP under nohup.
    """
    there = {number: signal.getsignal(number) for number in _HANDLERS}
    heeded = {number: handler for number, handler in there.items() if handler is not signal.SIG_IGN}
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or any(handler is not _HANDLERS[number] for number, handler in heeded.items()):
        yield
        return
    _interrupted.clear()
    for number in heeded:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)


def _interrupt(number: int, _: FrameType | None) -> None:
    """The first signal ends the run in order; a second one ends it at once, and may leave the lease held."""
    for each in _HANDLERS:
        if signal.getsignal(each) is _interrupt:
            signal.signal(each, signal.SIG_DFL)
    _interrupted.set()
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def _start_execution(cursor: AthenaCursor) -> None:
    """Start the cursor's statement, unless the run was interrupted and this is a worker thread."""
    if _interrupted.is_set() and threading.current_thread() is not threading.main_thread():
        raise RuntimeError("not started, as this run was interrupted")
    _start(cursor)


def _await_completion(cursor: AthenaCursor) -> None:
    """Wait for the cursor's statement; when interrupted, still wait for its end before going on.

    Only the main thread is interrupted, in a short statement of a hook. A statement that takes the lease must
    not be cancelled: it may be committing already, and would take the lease after it was released.
    """
    try:
        _await(cursor)
    except (KeyboardInterrupt, SystemExit):
        with suppress(Exception):
            _await(cursor)
        raise


Linker.link_graph = _link_graph  # type: ignore[assignment, method-assign]
RunTask.execute_with_hooks = _execute_with_hooks  # type: ignore[assignment, method-assign]
GraphRunnableTask.populate_adapter_cache = _populate_adapter_cache  # type: ignore[assignment, method-assign]
RunTask.before_run = _before_run  # type: ignore[assignment, method-assign]
AthenaCursor._start_execution = _start_execution  # type: ignore[assignment, method-assign]
AthenaCursor._await_completion = _await_completion  # type: ignore[assignment, method-assign]
