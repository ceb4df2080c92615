"""Who the gateway works for: Athena calls Glue and S3 as its caller, so our requests name that caller.

The caller's access key is a context variable; threads started along the way inherit it.
"""

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from localcloud.config import ON_BEHALF

T = TypeVar("T")

# Access keys of role sessions; every other key belongs to the account owner, who may do everything.
OF_ROLES = "ASIA"
_KEY = re.compile(r"Credential=([^/,\s]+)/")

_caller: ContextVar[str] = ContextVar("caller", default="local")


def enter(authorization: str) -> None:
    """Set the caller of this thread's work to the signer of a request."""
    found = _KEY.search(authorization)
    _caller.set(found[1] if found else "local")


def role_key() -> str:
    """Return the access key of the calling role; empty for the account owner.

    Copies of S3 objects are kept per key, so that no role reads what only another role may read.
    """
    key = _caller.get()
    return key if key.startswith(OF_ROLES) else ""


def name_in(client: Any) -> None:
    """Make a boto3 client name the caller in each request."""
    client.meta.events.register("before-call", _say)


def _say(params: dict[str, Any], **_: Any) -> None:
    params["headers"][ON_BEHALF] = _caller.get()


class CallerExecutor(ThreadPoolExecutor):
    """Threads that work for the caller of whoever submitted the work."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See Executor."""
        return super().submit(copy_context().run, fn, *args, **kwargs)


class InlineExecutor(ThreadPoolExecutor):
    """An executor without threads, for pyiceberg: it runs work in the submitting thread, for its caller.

    pyiceberg's own threads would not know the caller. They also share one manifest evaluator, which keeps
    its current manifest as state: with four threads, 18 of 120,000 answers were those for another manifest.
    A file then counted as missing, and the commit failed.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See Executor."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # raised where the result is read
            done.set_exception(error)
        return done
