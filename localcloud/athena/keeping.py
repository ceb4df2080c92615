"""What the gateway keeps in the snapshots of the local cloud: it has no state on disk of its own."""

import http.client
import logging
from urllib.parse import urlsplit

from localcloud.saves import KEPT

NAME = "athena"
SECONDS = 30

log = logging.getLogger(__name__)


def read(endpoint: str) -> bytes:
    """What was kept last; nothing when the endpoint is no local cloud."""
    status, content = _ask(endpoint, "GET", b"")
    return content if status == http.client.OK else b""


def write(endpoint: str, content: bytes) -> None:
    """Have the next snapshots hold this."""
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
