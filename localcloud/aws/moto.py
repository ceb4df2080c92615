"""moto as a WSGI application, with its settings made before anything imports it."""

import os
from typing import cast
from wsgiref.types import WSGIApplication

# A page in a browser must not read the lake: by default, moto allows every origin.
SETTINGS = {"MOTO_DISABLE_GLOBAL_CORS": "true"}


def application() -> WSGIApplication:
    """Load moto and return its WSGI application, which finds the service from the request's headers."""
    os.environ.update(SETTINGS)
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return cast(WSGIApplication, DomainDispatcherApplication(create_backend_app))


def create_buckets(names: tuple[str, ...], region: str) -> None:
    """Create the buckets that do not exist."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for name in names:
        if name not in backend.buckets:
            backend.create_bucket(name, region)
