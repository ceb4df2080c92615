"""moto as a WSGI application: its settings, loaded before anything imports it."""

import os
from typing import cast
from wsgiref.types import WSGIApplication

# A page in a browser must not read the lake: moto allows every origin unless told otherwise.
SETTINGS = {"MOTO_DISABLE_GLOBAL_CORS": "true"}


def application() -> WSGIApplication:
    """Load moto and give its WSGI application, which finds the service from the request's headers."""
    os.environ.update(SETTINGS)
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return cast(WSGIApplication, DomainDispatcherApplication(create_backend_app))


def create_buckets(names: tuple[str, ...], region: str) -> None:
    """Create the buckets that are absent."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for name in names:
        if name not in backend.buckets:
            backend.create_bucket(name, region)
