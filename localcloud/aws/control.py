"""The cloud's own calls, on its endpoint under `/_localcloud/`: whether it is up, and save under a name."""

import dataclasses
import json
import logging
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from localcloud.aws.saving import Saver
from localcloud.errors import LocalCloudError
from localcloud.instance import Folder
from localcloud.saves import SAVE

log = logging.getLogger(__name__)


class Control:
    """A WSGI application; `saver` is there once the state is restored."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.saver: Saver | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one call."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if method == "POST" and path.startswith(SAVE) and self.saver is not None:
            status, answer = _saved(self.saver, self.folder, path.removeprefix(SAVE))
        else:
            status, answer = "200 OK", b"ok"
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]
        start_response(status, headers)
        return [answer]


def _saved(saver: Saver, folder: Folder, name: str) -> tuple[str, bytes]:
    try:
        header = saver.save_as(folder.save(name))
    except (LocalCloudError, OSError) as error:
        log.exception("state.not_saved name=%s", name)
        return "500 Internal Server Error", json.dumps({"error": str(error)}).encode()
    return "200 OK", json.dumps(dataclasses.asdict(header)).encode()
