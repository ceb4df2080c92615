"""A fifth of all calls is throttled and a twentieth of the responses lost: still right, at a bounded cost."""

import os
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

sys.path.insert(0, str(Path(__file__).parent))

import crash

from control.adapters.s3 import S3Objects
from control.config import Settings
from control.errors import ThrottledError, UnavailableError


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._content

    def read(self, *_: Any) -> bytes:
        content, self._content = self._content, b""
        return content


class Weather:
    """Counts calls and makes a share of them fail."""

    def __init__(self, seed: int, throttled: float, lost: float) -> None:
        self.chance, self.throttled, self.lost = Random(seed), throttled, lost
        self.calls = self.spoiled = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = URLLib3Session.send

        def send(session: URLLib3Session, request: Any) -> Any:
            self.calls += 1
            drawn = self.chance.random()
            if drawn < self.throttled:
                self.spoiled += 1
                return _slow_down(request)
            answer = real(session, request)
            if drawn < self.throttled + self.lost:
                self.spoiled += 1
                answer.raw.close()  # or the socket of an unread streamed body stays open
                raise ConnectionClosedError(endpoint_url=request.url)
            return answer

        monkeypatch.setattr(URLLib3Session, "send", send)


def _slow_down(request: Any) -> AWSResponse:
    if b"x-amz-target" in {name.lower().encode() for name in request.headers}:
        body = b'{"__type":"ThrottlingException","message":"Rate exceeded"}'
        return AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, _Body(body))
    body = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    return AWSResponse(request.url, 503, {"content-type": "application/xml"}, _Body(body))


@pytest.fixture
def lake(cloud: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Three raw files, one of them truncated, in a cloud with the contract of their table."""
    crash.copy_contract(cloud.contracts)
    monkeypatch.setenv("DM_LEASE_SECONDS", "1.0")
    crash.connect(os.environ)
    for key, body in crash.RAW.items():
        S3Objects(cloud).put(f"s3://{cloud.bucket}/{key}", body)
    return cloud


def calls_until_done(monkeypatch: pytest.MonkeyPatch, weather: Weather) -> int:
    """Repeat ingestion until a run succeeds, and return the number of calls."""
    with monkeypatch.context() as patched:
        weather.install(patched)
        for _ in range(20):
            try:
                crash.ingest(None)
            except (ThrottledError, UnavailableError):
                continue
            return weather.calls
    raise AssertionError("20 runs failed")


def test_with_throttling_and_lost_responses_ingestion_is_right_with_three_times_the_calls(
    lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Weather(7, throttled=0.20, lost=0.05)
    calls = calls_until_done(monkeypatch, bad)
    assert crash.judge(lake) == []
    assert bad.spoiled > 10
    for key in ("DM_BUCKET", "DM_CONTROL_TABLE"):
        monkeypatch.setenv(key, f"{lake.bucket}-fine")
    monkeypatch.setenv("DM_SCHEMA_PREFIX", f"{lake.schema_prefix}fine_")
    crash.connect(os.environ)
    for key, body in crash.RAW.items():
        S3Objects(lake).put(f"s3://{lake.bucket}-fine/{key}", body)
    fine = Weather(0, throttled=0.0, lost=0.0)
    assert calls <= 3 * calls_until_done(monkeypatch, fine)
