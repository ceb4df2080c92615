"""Keep boto3 sessions and clients, where dbt-athena makes them over and over.

dbt-athena makes a boto3 session for each node, and a client for nearly every call. Each session reads
botocore's list of endpoints and the descriptions of its services again, megabytes of JSON; each client builds
the methods of its service again and opens a connection of its own. Here all sessions share one loader, which
does not depend on credentials, region or thread; a session keeps its clients; a thread keeps its session.

Also silenced is a warning of agate at each `dbt docs generate`, about a catalog column that dbt-athena lacks.
"""

import threading
import time
import warnings
from functools import cache
from typing import Any

import botocore.session
from boto3.session import Session
from botocore.loaders import create_loader
from dbt.adapters.athena.connections import AthenaConnection
from dbt.adapters.athena.session import get_boto3_session

# Credentials in a file may change while a build runs; without this plugin each node would read them.
KEPT_SECONDS = 60

botocore.session.create_loader = cache(create_loader)
warnings.filterwarnings("ignore", '"table_owner" does not match', RuntimeWarning, "agate")

_create = Session.client


def _client(session: Session, *names: Any, **options: Any) -> Any:
    """The session's client for these arguments; the adapter always passes them by name, with one `config`."""
    made = session.__dict__.setdefault("_clients", {})
    key = (*names, *sorted(options.items(), key=lambda item: item[0]))
    if key not in made:
        made[key] = _create(session, *names, **options)
    return made[key]


Session.client = _client  # type: ignore[assignment, method-assign]


class _Kept(threading.local):
    """The session that this thread made last: boto3's clients are thread-safe, its sessions are not."""

    session: Session | None = None
    credentials: Any = None
    made_at = 0.0


_kept = _Kept()


def _session(connection: AthenaConnection) -> Session:
    """The thread's session for the connection's credentials, renewed each minute."""
    now = time.monotonic()
    fresh = _kept.credentials is connection.credentials and now - _kept.made_at < KEPT_SECONDS
    if _kept.session is None or not fresh:
        _kept.session = get_boto3_session(connection)
        _kept.credentials, _kept.made_at = connection.credentials, now
    return _kept.session


AthenaConnection.__init__.__defaults__ = (_session,)
