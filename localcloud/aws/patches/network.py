"""Keep all traffic on this machine: moto posts to other hosts in places (SNS subscriptions, API gateways)."""

import sys
from typing import Any

LOOPBACK = ("127.", "::1", "localhost")


def apply() -> None:
    """Refuse connections and name lookups outside the loopback interface, until the process ends."""
    sys.addaudithook(_refuse_outside)


def _refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        _, address = arguments
        # A path is a Unix socket on this machine.
        host = address[0] if isinstance(address, tuple) else LOOPBACK[0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0] or LOOPBACK[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if not str(host).startswith(LOOPBACK):
        raise PermissionError(f"the local cloud does not contact {host}: it stays on this machine")
