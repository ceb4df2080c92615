"""The local cloud's own calls, on its endpoint under `/_localcloud/`.

They check whether it is up, save its state under a name or for the last time, return why it could not be
saved, return what roles have called, and read or replace what another part keeps in the snapshots.
"""

import dataclasses
import json
import logging
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from localcloud.aws.front import HEALTH
from localcloud.aws.saving import Saver
from localcloud.errors import LocalCloudError
from localcloud.iam.calls import CALLS, Calls
from localcloud.instance import Folder
from localcloud.saves import KEPT, LAST, PROBLEM, SAVE
from localcloud.snapshots import Header

log = logging.getLogger(__name__)


class Control:
    """A WSGI application; `saver` is set once the state is restored."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.saver: Saver | None = None
        self.calls: Calls | None = None
        """What roles have called; None if IAM is off."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one call."""
        status, answer = self._answer(environ)
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]
        start_response(status, headers)
        return [answer]

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path == HEALTH:
            return "200 OK", b"ok"
        if self.saver is None:
            return "503 Service Unavailable", b""
        if path == CALLS and method == "GET":
            return _called(self.calls)
        if path == PROBLEM and method == "GET":
            return "200 OK", json.dumps({"error": self.saver.problem}).encode()
        if method == "POST" and path.startswith(SAVE):
            target = path.removeprefix(SAVE)
            return _saved(lambda saver: saver.save_as(self.folder.save(target)), self.saver)
        if method == "POST" and path == LAST:
            return _saved(Saver.save_last, self.saver)
        name = path.removeprefix(KEPT)
        if path == KEPT + name and method == "GET":
            return "200 OK", self.saver.beside.get(name, b"")
        if path == KEPT + name and method == "PUT":
            self.saver.keep(name, environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            return "200 OK", b""
        return "404 Not Found", b""


def _called(calls: Calls | None) -> tuple[str, bytes]:
    if calls is None:
        return "404 Not Found", b""
    return "200 OK", json.dumps(calls.as_json()).encode()


def _saved(save: Callable[[Saver], Header], saver: Saver) -> tuple[str, bytes]:
    try:
        header = save(saver)
    except (LocalCloudError, OSError) as error:
        log.exception("state.not_saved")
        return "500 Internal Server Error", json.dumps({"error": str(error)}).encode()
    return "200 OK", json.dumps(dataclasses.asdict(header)).encode()
