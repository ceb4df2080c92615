"""Gateway state that is stored in the local cloud's snapshots; the gateway keeps none on disk itself."""

import http.client
import logging
from urllib.parse import urlsplit

from localcloud.saves import KEPT

NAME = "athena"
SECONDS = 30

log = logging.getLogger(__name__)


def read(endpoint: str) -> bytes:
    """Return what was written last; empty when the endpoint is not a local cloud."""
    status, content = _ask(endpoint, "GET", b"")
    return content if status == http.client.OK else b""


def write(endpoint: str, content: bytes) -> None:
    """Store `content` in the snapshots from now on."""
    status, _ = _ask(endpoint, "PUT", content)
    if status != http.client.OK:
        log.warning("kept.refused endpoint=%s status=%s", endpoint, status)


def _ask(endpoint: str, method: str, content: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=SECONDS)
    try:
        connection.request(method, KEPT + NAME, content)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
