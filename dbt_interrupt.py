"""A plugin of dbt, which imports every module named `dbt_…`: a run that breaks off ends as a failed one.

When interrupted, dbt stops the statements of its threads and waits for them, and then leaves out what
`on-run-end` says, which is where a build gives back its lease. The results that it writes lack what was not
done, so that `dbt retry` finds nothing to do. The statement that dbt's main thread waits for goes on. Of
SIGTERM, as CI and schedulers send it, and of SIGHUP, of a terminal that is closed, dbt knows nothing. Where a
hook of `on-run-start` raises an error, `on-run-end` is left out, too. Here all of them end alike.

Where the cloud does not answer, or models read each other in a circle, dbt prints a stack of a hundred lines;
here it is one line.
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

# Where a hook's statement has failed, dbt skips all nodes and asks each for its schema. Exposures have none,
# so dbt ended with an AttributeError in place of the hook's own error, and left out `on-run-end`.
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
    'Nothing was done. The local cloud is started by `dm local up`, then `eval "$(dm env)"`;'
    " for AWS look at the network"
)
_HANDLERS: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
_interrupted = threading.Event()


def _execute_with_hooks(task: RunTask, selected: Any) -> Any:
    """Run the nodes; when interrupted, what `on-run-end` says too, as no thread is at work by then."""
    with _heeded_signals():
        try:
            return _execute(task, selected)
        except (KeyboardInterrupt, SystemExit):
            done = list(task.node_results)
            _skip_the_rest(task)
            task.after_run(get_adapter(task.config), done)
            raise


def _skip_the_rest(task: RunTask) -> None:
    """Write results that have each node which was not done as skipped, as dbt does for `--fail-fast`."""
    known = {result.node.unique_id for result in task.node_results}  # type: ignore[attr-defined]
    rest = [node for node in task._flattened_nodes or () if node.unique_id not in known]
    task.node_results += [RunResult.from_node(node, RunStatus.Skipped, "interrupted") for node in rest]
    if task.args.write_json:
        took, now = time.time() - task.started_at, datetime.now(UTC).replace(tzinfo=None)
        task.get_result(task.node_results, took, now).write(task.result_path())  # type: ignore[no-untyped-call]


def _before_run(task: RunTask, adapter: Any, selected: Any) -> Any:
    """Run what `on-run-start` says; where that raises, what `on-run-end` says, too: it may have the lease."""
    try:
        return _before(task, adapter, selected)
    except Exception as error:
        with suppress(Exception):  # the first error says what is wrong
            task.after_run(adapter, [])
        if isinstance(error, EndpointConnectionError):
            raise _unreachable(error) from error
        raise


def _populate_adapter_cache(task: GraphRunnableTask, *args: Any, **given: Any) -> None:
    """Ask what tables there are, which is the first that `dbt show` and its like ask of the cloud."""
    try:
        _populate(task, *args, **given)
    except EndpointConnectionError as error:
        raise _unreachable(error) from error


def _unreachable(error: EndpointConnectionError) -> DbtRuntimeError:
    """Of any other error than its own dbt prints the whole stack."""
    return DbtRuntimeError(f"{error}. {_UNREACHABLE}")


def _link_graph(linker: Linker, manifest: Any) -> None:
    """Put the models in order, and say what to do where there is none."""
    try:
        _link(linker, manifest)
    except RuntimeError as error:
        way = "A model cannot ref() itself, nor what is made from it; what it held before is {{ this }}"
        raise DbtRuntimeError(f"{error}. {way}") from error


@contextmanager
def _heeded_signals() -> Iterator[None]:
    """Have `_interrupt` called, unless a host that runs dbt in its own process has handlers of its own.

    What is ignored stays so, and the others are heeded: Ctrl-C in a script's background, SIGHUP by nohup.
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
    """The first signal ends the run in order, a second one at once: then the lease may stay for its time."""
    for each in _HANDLERS:
        if signal.getsignal(each) is _interrupt:
            signal.signal(each, signal.SIG_DFL)
    _interrupted.set()
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def _start_execution(cursor: AthenaCursor) -> None:
    """Start the cursor's statement, but for those of threads that dbt waits for."""
    if _interrupted.is_set() and threading.current_thread() is not threading.main_thread():
        raise RuntimeError("not started, as this run was interrupted")
    _start(cursor)


def _await_completion(cursor: AthenaCursor) -> None:
    """Wait for the cursor's statement, and when interrupted see it end before going on.

    It is the main thread's, a short one of a hook. One that takes the lease must not be stopped: what counts
    as cancelled may be committing, and would take the lease after it was given back.
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
