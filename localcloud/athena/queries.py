"""The life cycle of queries (queued, running, then succeeded, failed or cancelled) and a bounded history."""

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.athena.callers import CallerExecutor
from localcloud.athena.errors import AthenaError, BytesLimitError, InvalidRequestError
from localcloud.athena.model import Answer
from localcloud.athena.statements.kinds import Kind
from localcloud.athena.statements.parse import Statement

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = "QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"
FINAL = frozenset({SUCCEEDED, FAILED, CANCELLED})
# Athena runs 20 DML statements of an account at once; on a laptop, fewer are as fast.
WORKERS = 12
HISTORY = 5_000
RESULT_BYTES = 512 << 20
_AGAIN_SECONDS = 0.1

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A client's request, as sent; a repeated token must come with the same request (see `identity`)."""

    sql: str
    database: str | None = None
    catalog: str | None = None
    output: str | None = None
    workgroup: str = "primary"
    parameters: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str | None, ...]:
        """What a second call with the same token must repeat from the first."""
        return (self.sql, self.database, self.catalog, self.output)


@dataclass(slots=True)
class Query:
    """One query. Fields change only under the lock of `Queries`."""

    request: Request
    kind: Kind
    location: str
    token: str
    most_bytes: int = 0
    """How many bytes its workgroup lets it read; 0 for no limit."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = QUEUED
    submitted: float = field(default_factory=time.time)
    started: float | None = None
    finished: float | None = None
    answer: Answer | None = None
    error: AthenaError | None = None
    manifest: str = ""
    done: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    """Set once no thread works on the query any more; after a cancel this is later than `done`."""
    number: int = 0
    """Its position among all submitted queries, from 1."""

    @property
    def substatement(self) -> str:
        """SubstatementType. DESCRIBE of a view has its own, which is known only after it has run."""
        known = self.answer.substatement_type if self.answer is not None else ""
        return known or self.kind.substatement

    def milliseconds(self) -> tuple[int, int]:
        """Waiting and running time so far, in milliseconds."""
        now = time.time()
        started = self.started or self.finished or now
        finished = self.finished or now
        return round((started - self.submitted) * 1000), round((finished - started) * 1000)


class Queries:
    """Running and past queries. `run` executes one and returns its answer.

    A parsed statement is kept only until it has run: the tree of 10 kB of SQL takes 600 KiB.
    """

    def __init__(
        self,
        run: Callable[[Query, Statement], Answer],
        cancel: Callable[[str], None],
        *,
        workers: int = WORKERS,
        history: int = HISTORY,
    ) -> None:
        self._run = run
        self._cancel = cancel
        self._history = history
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Query] = OrderedDict()
        self._submitted = 0
        self._tokens: dict[str, str] = {}
        self._results: OrderedDict[str, int] = OrderedDict()
        self._pool = CallerExecutor(workers, thread_name_prefix="query")

    def close(self) -> None:
        """Accept no more queries, cancel the running ones, and wait for their threads."""
        for query in self.newest():
            if query.state not in FINAL:
                self.stop(query.id)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def known(self, token: str, request: Request) -> Query | None:
        """Return the query that this token started, or None. Raises InvalidRequestError if it differs."""
        with self._lock:
            found = self._found.get(self._tokens.get(token, ""))
        if found is not None and found.request.identity != request.identity:
            raise InvalidRequestError(
                "Idempotent parameters do not match", code="IDEMPOTENT_PARAMETER_MISMATCH"
            )
        return found

    def submit(self, query: Query, statement: Statement) -> Query:
        """Queue `query`, whose parsed form is `statement`; for a known token, return the earlier query."""
        with self._lock:
            earlier = self._found.get(self._tokens.get(query.token, ""))
            if earlier is not None:
                return earlier
            self._submitted += 1
            query.number = self._submitted
            self._found[query.id] = query
            self._tokens[query.token] = query.id
            self._forget()
        self._pool.submit(self._work, query, statement)
        return query

    def get(self, query_id: str) -> Query:
        """Return a query. Raises InvalidRequestError for an unknown id."""
        with self._lock:
            found = self._found.get(query_id)
        if found is None:
            text = f"QueryExecution {query_id} was not found"
            raise InvalidRequestError(text, code="QUERY_EXECUTION_NOT_FOUND")
        return found

    def newest(self) -> list[Query]:
        """All queries in the history, newest first."""
        with self._lock:
            return list(reversed(self._found.values()))

    def stop(self, query_id: str) -> None:
        """Cancel a query; a finished one stays as it is. Raises InvalidRequestError for an unknown id."""
        query = self.get(query_id)
        if self._end(query, CANCELLED):
            threading.Thread(target=self._interrupt, args=(query,), daemon=True).start()

    def _interrupt(self, query: Query) -> None:
        """Cancel in the engine until the thread is free: at first the engine may not know the query yet."""
        while query.started is not None and not query.left.is_set():
            self._cancel(query.id)
            query.left.wait(_AGAIN_SECONDS)

    def _work(self, query: Query, statement: Statement) -> None:
        try:
            self._run_to_end(query, statement)
        finally:
            query.left.set()

    def _run_to_end(self, query: Query, statement: Statement) -> None:
        with self._lock:
            if query.state in FINAL:
                return
            query.state, query.started = RUNNING, time.time()
        try:
            answer = self._run(query, statement)
        except BytesLimitError as error:
            self._end(query, CANCELLED, error=_bare(error))
        except AthenaError as error:
            self._end(query, FAILED, error=_bare(error))
        except Exception as error:
            # Not the statement's fault: the client gets the message, the log the traceback.
            log.exception("query.crashed id=%s", query.id)
            text = f"{type(error).__name__}: {error}"
            self._end(query, FAILED, error=AthenaError("GENERIC_INTERNAL_ERROR", text))
        else:
            self._end(query, SUCCEEDED, answer=answer)

    def _end(
        self, query: Query, state: str, *, answer: Answer | None = None, error: AthenaError | None = None
    ) -> bool:
        """Enter a final state unless the query is in one already. Returns whether it was entered."""
        with self._lock:
            if query.state in FINAL:
                return False
            query.answer, query.error = answer, error
            query.state, query.finished = state, time.time()
            if answer is not None and answer.table is not None:
                self._results[query.id] = answer.table.nbytes
        query.done.set()
        code = error.code if error is not None else "-"
        waited, ran = query.milliseconds()
        # Statements and values are not logged.
        log.info(
            "query.ended id=%s kind=%s state=%s code=%s waited_ms=%d ran_ms=%d",
            query.id,
            query.substatement,
            state,
            code,
            waited,
            ran,
        )
        return True

    def _forget(self) -> None:
        """Trim the history to its bounds: drop the oldest results first, then the oldest queries."""
        while sum(self._results.values()) > RESULT_BYTES and len(self._results) > 1:
            oldest, _ = self._results.popitem(last=False)
            if oldest in self._found:
                self._found[oldest].answer = None
        for query_id in list(self._found)[: max(len(self._found) - self._history, 0)]:
            if self._found[query_id].state in FINAL:
                self._tokens.pop(self._found.pop(query_id).token, None)
                self._results.pop(query_id, None)


def _bare(error: AthenaError) -> AthenaError:
    """Return the error without its traceback, whose frames hold the statement and the data that it read."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def status(query: Query) -> dict[str, Any]:
    """The Status block of GetQueryExecution."""
    found: dict[str, Any] = {"State": query.state, "SubmissionDateTime": query.submitted}
    if query.finished is not None:
        found["CompletionDateTime"] = query.finished
    if query.state == CANCELLED:
        found["StateChangeReason"] = str(query.error or "Query cancelled by user")
    elif query.error is not None:
        found["StateChangeReason"] = str(query.error)
        found["AthenaError"] = {
            "ErrorCategory": query.error.category,
            "ErrorType": query.error.error_type,
            "Retryable": query.error.retryable,
            "ErrorMessage": str(query.error),
        }
    return found
