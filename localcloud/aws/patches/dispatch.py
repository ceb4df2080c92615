"""How moto finds the service of a request, and what it remembers about each object that it creates."""

from collections.abc import Callable
from functools import cache
from typing import Any

from moto.core import responses
from moto.core.common_models import BaseModel
from moto.core.utils import method_names_from_class
from moto.moto_server.utilities import RegexConverter
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from localcloud.aws.patches.replacing import replace


def apply() -> None:
    """Fix the dispatch of requests to services."""
    # moto lists its own folder for every request: 0.8 of the 1.9 ms of an S3 get. The result depends only on
    # the host name.
    by_host = cache(DomainDispatcherApplication.get_backend_for_host)
    replace(DomainDispatcherApplication, get_backend_for_host=by_host)
    # moto searches all members of a service's class for the name of each call: 5 % of a Glue request.
    replace(responses, method_names_from_class=cache(method_names_from_class))
    # In moto's path patterns a dot does not match a line feed, so S3 keys with a line feed were never found.
    replace(RegexConverter, __init__=_of_any_text(RegexConverter.__init__))
    # moto keeps every model object for its dashboard, which is not served here: deleted objects stayed in
    # memory forever.
    replace(BaseModel, __new__=staticmethod(_untracked))


def _of_any_text(original: Callable[..., None]) -> Callable[..., None]:
    def initialise(converter: Any, url_map: Any, *items: str) -> None:
        original(converter, url_map, *(f"(?s:{one})" for one in items))

    return initialise


def _untracked(cls: type, *_arguments: Any, **_named: Any) -> Any:
    return object.__new__(cls)
