"""The only way in which moto is patched."""

from typing import Any


def replace(owner: Any, **members: Any) -> None:
    """Replace `members` of the class or module `owner`. Raises AttributeError for one that it lacks."""
    for name, member in members.items():
        if not hasattr(owner, name):
            raise AttributeError(f"{owner.__name__} has no {name}: is this moto's pinned version?")
        setattr(owner, name, member)


def add(owner: Any, **members: Any) -> None:
    """Give the class `owner` members that moto does not have."""
    for name, member in members.items():
        setattr(owner, name, member)
