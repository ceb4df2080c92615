"""Keep what could not be published in one file until it can be."""

from pathlib import Path

import msgspec

from control.catalog.model import Desired
from control.errors import UsageError
from control.serialization import NOT_JSON


def waiting(path: Path) -> Desired | None:
    """Return what an earlier publication left, or None. Raises UsageError for a file that is no outbox."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Desired)
    except FileNotFoundError:
        return None
    except NOT_JSON as error:
        raise UsageError(f"{path} is not an outbox: {error}", hint="move it away and publish again") from None


def joined(older: Desired | None, newer: Desired) -> Desired:
    """Return the newer state with the results of both: a state replaces the old one, results accumulate."""
    if older is None:
        return newer
    results = {(one.test, one.timestamp): one for one in (*older.results, *newer.results)}
    return Desired(newer.entities, newer.links, tuple(results.values()))


def keep(desired: Desired, path: Path) -> None:
    """Write the file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(msgspec.json.encode(desired))
    partial.replace(path)


def clear(path: Path) -> None:
    """Delete the outbox, because its content is published."""
    path.unlink(missing_ok=True)
