"""Have commands that build nothing leave the results of the last build alone.

`dbt show`, `compile` and `docs generate` write run_results.json as a build does. After any of them, `dbt
retry` finds nothing to do or fails with a traceback, and `dm docs build` and `dm cost show` have lost the
build. Here each of them writes to a file of its own, and `dbt retry` explains what it cannot repeat.
"""

from pathlib import Path
from typing import Any

from dbt.constants import RUN_RESULTS_FILE_NAME
from dbt.contracts.state import load_result_state
from dbt.task.compile import CompileTask
from dbt.task.docs.generate import GenerateTask
from dbt.task.retry import CMD_DICT, RetryTask
from dbt.task.show import ShowTask
from dbt_common.exceptions import DbtRuntimeError

# By exact class, since tasks that build are subclasses of CompileTask.
_OWN_FILES = {
    CompileTask: "compile_results.json",
    GenerateTask: "docs_results.json",
    ShowTask: "show_results.json",
}
_NOT_REPEATED = {"generate": "docs generate", "show": "show"}

_result_path, _init = CompileTask.result_path, RetryTask.__init__


def _path(task: CompileTask) -> str:
    """Where the task writes its results."""
    usual = _result_path(task)
    own = _OWN_FILES.get(type(task))
    return str(Path(usual).with_name(own)) if own else usual


def _retry(task: RetryTask, args: Any, config: Any) -> None:
    """Refuse results that cannot be retried, before dbt looks for their command."""
    file = Path(config.project_root) / (args.state or config.target_path) / RUN_RESULTS_FILE_NAME
    found = load_result_state(file)
    which = str(found.args.get("which")) if found else ""
    if found and (which in _NOT_REPEATED or which not in CMD_DICT):
        raise DbtRuntimeError(
            f"{file} holds the results of `dbt {_NOT_REPEATED.get(which, which)}`, which cannot be retried."
            " Name what failed yourself: dbt build --select MODEL+"
        )
    _init(task, args, config)


CompileTask.result_path = _path  # type: ignore[assignment, method-assign]
RetryTask.__init__ = _retry  # type: ignore[assignment, method-assign]
