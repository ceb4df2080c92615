"""A function for a test to put in the place of one that shall fail."""

from collections.abc import Callable
from typing import NoReturn


def raising(error: BaseException) -> Callable[..., NoReturn]:
    """Return a function that raises `error`, whatever it is called with."""

    def call(*_: object, **__: object) -> NoReturn:
        raise error

    return call
