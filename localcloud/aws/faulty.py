"""Inject faults in front of the endpoint."""

import errno
import time
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from localcloud.aws import bodies
from localcloud.aws.calls import name_of
from localcloud.aws.errors import answer
from localcloud.faults.injection import Faults, die_if
from localcloud.faults.rules import DELAY, LOSE, THROTTLE

# How each service answers too many calls; the others answer 400 ThrottlingException.
THROTTLED = {
    "s3": (503, "SlowDown", "Please reduce your request rate."),
    "athena": (400, "TooManyRequestsException", "Rate exceeded"),
}


class Faulty:
    """A WSGI application that delays, refuses or does not answer requests, as its faults say."""

    def __init__(self, app: WSGIApplication, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or not. Raises ConnectionResetError to close the connection."""
        call = name_of(environ)
        due = self.faults.at_call(call)
        if not due:
            return self.app(environ, start_response)
        kinds = {fault.do for fault in due}
        time.sleep(sum(fault.seconds for fault in due if fault.do == DELAY))
        if THROTTLE in kinds:
            return _throttled(environ, start_response, call.partition(":")[0])
        found = self.app(environ, start_response)
        die_if(due)
        if LOSE in kinds:
            raise ConnectionResetError(errno.ECONNRESET, "the answer is lost on purpose")
        return found


def _throttled(environ: WSGIEnvironment, start_response: StartResponse, service: str) -> Iterable[bytes]:
    bodies.read(environ)  # otherwise its bytes would be read as the next request
    default = (400, "ThrottlingException", "Rate exceeded")
    status, code, message = THROTTLED.get(service, default)
    return answer(start_response, service, status, code, message)
