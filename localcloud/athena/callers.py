"""For whom the gateway works: Athena asks Glue and S3 as the caller, so each request of ours names theirs.

The name goes along in the context of the thread; threads that are started on the way take it over.
"""

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from localcloud.config import ON_BEHALF

T = TypeVar("T")

# Keys of sessions of roles; all others are the account's owner's, to whom nothing is forbidden.
OF_ROLES = "ASIA"
_KEY = re.compile(r"Credential=([^/,\s]+)/")

_caller: ContextVar[str] = ContextVar("caller", default="local")


def enter(authorization: str) -> None:
    """What this thread does from here on is for whoever signed a request."""
    found = _KEY.search(authorization)
    _caller.set(found[1] if found else "local")


def role_key() -> str:
    """The access key of the role that is worked for; empty for the account's owner.

    What is kept from S3 is kept under it, so that no role reads what another one was allowed to.
    """
    key = _caller.get()
    return key if key.startswith(OF_ROLES) else ""


def name_in(client: Any) -> None:
    """Have a boto3 client say in each request for whom it is."""
    client.meta.events.register("before-call", _say)


def _say(params: dict[str, Any], **_: Any) -> None:
    params["headers"][ON_BEHALF] = _caller.get()


class Carrying(ThreadPoolExecutor):
    """Threads that work for whom the work was given by."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See Executor."""
        return super().submit(copy_context().run, fn, *args, **kwargs)


class AtOnce(ThreadPoolExecutor):
    """No threads, for pyiceberg: work is done where it is given, for whom the thread works.

    Its own would not know for whom they read. They also share an evaluator of manifests, which keeps the one
    that it looks at in itself: of 120,000 answers in four threads 18 were those for another manifest. A file
    was then "missing", and the commit failed.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See Executor."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # whoever asks for the result gets it
            done.set_exception(error)
        return done
