"""Split lists into pages, as the `List…` operations return them."""

from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.athena.errors import InvalidRequestError

PAGE = 50


def page(given: Mapping[str, Any], found: Sequence[Any], key: str, limit: int = PAGE) -> dict[str, Any]:
    """Return one page of a list; the token is the index of the next item."""
    token = given.get("NextToken", "0")
    if not token.isdecimal() or int(token) > len(found):
        raise InvalidRequestError(f"The nextPageToken is malformed: {token}")
    start = int(token)
    stop = start + min(given.get("MaxResults", limit), limit)
    answer = {key: list(found[start:stop])}
    return {**answer, "NextToken": str(stop)} if stop < len(found) else answer
