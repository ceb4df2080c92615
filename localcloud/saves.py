"""States saved under a name, to return to later: test fixtures, or the state before an experiment."""

import http.client
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from localcloud import snapshots
from localcloud.config import HOST
from localcloud.errors import LocalCloudError, StateError
from localcloud.instance import Folder, Record
from localcloud.snapshots import Header

SAVE = "/_localcloud/save/"
LAST = "/_localcloud/last"
KEPT = "/_localcloud/kept/"
PROBLEM = "/_localcloud/problem"
# For taking and writing a large state; the cloud serves others meanwhile.
SAVE_SECONDS = 300


def save(path: Path, name: str) -> Header:
    """Save the state under a new name: the running cloud's present state, else the one saved last.

    Raises LocalCloudError when the name is taken, StateError when there is nothing to save or saving fails.
    """
    folder = Folder(path.absolute())
    target = folder.save(name)
    if not folder.marked:
        raise LocalCloudError(f"there is no local cloud in {path}", hint="dm local up")
    with folder.locked():
        if target.exists():
            raise LocalCloudError(
                f"a state is saved as {name!r} already",
                hint=f"choose another name, or drop it: dm local forget {name}",
            )
        record = folder.read()
        if record and record.part("aws"):
            return _save_running(record, name)
        return _save_last(folder, target)


def all_of(path: Path) -> dict[str, Header]:
    """Return the headers of the saved states by name, without those that cannot be used."""
    folder, found = Folder(path.absolute()), {}
    for name in folder.saves():
        with suppress(StateError):
            if header := snapshots.header(folder.save(name)):
                found[name] = header
    return found


def unusable(path: Path) -> list[StateError]:
    """Return for each saved state that cannot be used why, and what to do."""
    folder, found = Folder(path.absolute()), []
    for name in folder.saves():
        try:
            with named(name):
                snapshots.header(folder.save(name))
        except StateError as error:
            found.append(error)
    return found


@contextmanager
def named(name: str) -> Iterator[None]:
    """If the state saved under `name` cannot be used, suggest to drop that one, not the present state."""
    try:
        yield
    except StateError as error:
        error.hint = error.hint.replace(snapshots.DROP, f"drop it: dm local forget {name}")
        raise


def forget(path: Path, name: str) -> None:
    """Delete the state saved under `name`. Raises LocalCloudError when there is none."""
    folder = Folder(path.absolute())
    found = find(folder, name)
    with folder.locked():
        shutil.rmtree(found)


def find(folder: Folder, name: str) -> Path:
    """Return the folder of a saved state. Raises LocalCloudError when there is none."""
    found = folder.save(name)
    if not found.is_dir():
        names = ", ".join(folder.saves())
        hint = f"there are: {names}" if names else "nothing is saved there: dm local save NAME"
        raise LocalCloudError(f"no state is saved as {name!r} in {folder.path}", hint=hint)
    return found


def last(folder: Folder, record: Record) -> None:
    """Make the running cloud write its last snapshot, after which it accepts no more changes.

    Raises StateError when it cannot save; it then keeps running. A cloud that does not answer is ignored
    here: the caller ends it by signals.
    """
    try:
        answer = _asked(record, LAST)
    except (OSError, http.client.HTTPException, ValueError):
        return
    if "error" in answer:
        raise StateError(
            f"the state cannot be saved, so the cloud keeps running, without its Athena: {answer['error']}",
            hint=f"make room in {folder.state}, then: dm local down. Or continue: dm local up. Or delete"
            " everything: dm local reset",
        )


def problem(record: Record) -> str:
    """Return why the running cloud could not write its latest periodic snapshot; empty if it could."""
    try:
        return str(_asked(record, PROBLEM, "GET").get("error", ""))
    except (OSError, http.client.HTTPException, ValueError):
        return ""


def _save_running(record: Record, name: str) -> Header:
    try:
        answer = _asked(record, SAVE + name)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise StateError(f"the state was not saved: {error}", hint="dm local status") from error
    if "error" in answer:
        raise StateError(f"the state was not saved: {answer['error']}", hint="dm local status")
    return Header(**answer | {"left_out": tuple(answer["left_out"])})


def _asked(record: Record, path: str, method: str = "POST") -> dict[str, Any]:
    """Return the running cloud's answer: the header of a snapshot, or an error."""
    connection = http.client.HTTPConnection(HOST, record.port, timeout=SAVE_SECONDS)
    try:
        connection.request(method, path)
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


def _save_last(folder: Folder, target: Path) -> Header:
    if snapshots.header(folder.state) is None:
        raise StateError("there is nothing to save: no cloud runs and none was saved", hint="dm local up")
    return snapshots.copy_at_once(folder.state, target)
