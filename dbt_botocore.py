"""A plugin of dbt, which imports every module named `dbt_…`: dbt-athena does once what it did over and over.

dbt-athena makes a boto3 session for each node, and a client of it for nearly every call. Each session reads
anew botocore's list of endpoints and the description of each service that it asks, megabytes of JSON; each
client makes the methods of its service anew, and opens a connection of its own. Here sessions share one
loader, which belongs to no credentials, region or thread, and a session keeps the clients that it has made.

dbt asks of a catalog a column that dbt-athena's has not, and agate warns of it at each `dbt docs generate`.
"""

import warnings
from functools import cache
from typing import Any

import botocore.session
from boto3.session import Session
from botocore.loaders import create_loader

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
