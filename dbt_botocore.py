"""A plugin of dbt, which imports every module named `dbt_…`: dbt-athena does once what it did over and over.

dbt-athena makes a boto3 session for each node, and a client of it for nearly every call. Each session reads
anew botocore's list of endpoints and the description of each service that it asks, megabytes of JSON; each
client makes the methods of its service anew, and opens a connection of its own. Here sessions share one
loader, which belongs to no credentials, region or thread, a session keeps the clients that it has made, and
a thread keeps its session from node to node.

dbt asks of a catalog a column that dbt-athena's has not, and agate warns of it at each `dbt docs generate`.
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

# Credentials that come from a file may be written anew while a build runs; each node would read it.
KEPT_SECONDS = 60

botocore.session.create_loader = cache(create_loader)
warnings.filterwarnings("ignore", '"table_owner" does not match', RuntimeWarning, "agate")

_create = Session.client


def _client(session: Session, *names: Any, **options: Any) -> Any:
    """The session's client for these arguments; the adapter gives all of them by name, and one `config`."""
    made = session.__dict__.setdefault("_clients", {})
    key = (*names, *sorted(options.items(), key=lambda item: item[0]))
    if key not in made:
        made[key] = _create(session, *names, **options)
    return made[key]


Session.client = _client  # type: ignore[assignment, method-assign]


class _Kept(threading.local):
    """The session that a thread has made last; a session is for one thread, its clients are for many."""

    session: Session | None = None
    credentials: Any = None
    made_at = 0.0


_kept = _Kept()


def _session(connection: AthenaConnection) -> Session:
    """The thread's session for the connection's credentials, a new one each minute."""
    now = time.monotonic()
    fresh = _kept.credentials is connection.credentials and now - _kept.made_at < KEPT_SECONDS
    if _kept.session is None or not fresh:
        _kept.session = get_boto3_session(connection)
        _kept.credentials, _kept.made_at = connection.credentials, now
    return _kept.session


AthenaConnection.__init__.__defaults__ = (_session,)
