"""Kill a real `dm ingest run` at one of its calls to the cloud, start it again, and check what readers find.

`python crash.py ENDPOINT FOLDER CASE...`: a case lists the calls at which the first, the second … process
dies: before the effect of the call, or after it with `+`. Examples: `17`, `17+`, `17,40+`. Each case has its
own lake and prints one JSON object. Case `0` is never killed and shows how many calls there are. FOLDER is
for the contracts.
"""

import gzip
import io
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
from botocore.httpsession import URLLib3Session

# Modules that a run imports lazily, imported once for all processes.
import bronze.parse  # noqa: F401
import control.adapters.light
import control.adapters.parquet  # noqa: F401
from control.adapters.aws import client
from control.adapters.s3 import S3Objects
from control.config import Settings, from_environment
from control.ingest import tables
from control.ingest.rules import Rules
from control.ingest.run import run
from control.model import Batch, Head
from control.ports import every
from control.wiring import connect

ROOT = Path(__file__).parents[3]
# Short, because nobody competes for the lease, but the next process waits for it to expire.
LEASE_SECONDS = 0.3
HEADER = b"brewery_id,brewery_name\n"
RAW = {
    "raw/brewery/a.csv.gz": gzip.compress(HEADER + b"1,Alpha\nx,refused\n", mtime=0),
    "raw/brewery/b.csv.gz": gzip.compress(HEADER + b"2,Beta\n3,Gamma\n", mtime=0),
    "raw/brewery/poison.csv.gz": gzip.compress(HEADER + b"4,Never\n", mtime=0)[:-5],
}
TRUTH = [(1, "Alpha"), (2, "Beta"), (3, "Gamma")]


@dataclass
class Deadline:
    """Kills this process at the n-th call, before or after its effect."""

    at: int
    after: bool
    calls: int = 0

    def install(self) -> None:
        """Count every request of every client from now on."""
        real = URLLib3Session.send

        def send(session: URLLib3Session, request: Any) -> Any:
            self.calls += 1
            if self.calls == self.at and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = real(session, request)
            if self.calls == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        URLLib3Session.send = send


def ingest(deadline: Deadline | None) -> None:
    """Run `dm ingest run --until-idle` in this process, with enough attempts for any number of crashes."""
    if deadline:
        deadline.install()
    settings = from_environment(os.environ)
    rules = Rules(
        lease_seconds=settings.lease_seconds,
        retry_seconds=0.05,
        light_files=2,
        split_after=100,
        max_attempts=100,
    )
    run(tables.load(settings), connect(os.environ), rules, mode="until_idle")


def in_child(work: Callable[[], Any]) -> tuple[bool, Any]:
    """Call `work` in a child process; return whether it was killed, and its result. Raises if it failed."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        try:
            os.write(writer, json.dumps(work()).encode())
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        answer = answers.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True, None
    assert status == 0, f"a process that was not killed exited with {os.waitstatus_to_exitcode(status)}"
    return False, json.loads(answer)


def until(deadline: Deadline) -> int:
    """Ingest and return the number of calls, unless the deadline kills the process first."""
    ingest(deadline)
    return deadline.calls


def judge(settings: Settings) -> list[str]:
    """Return what is wrong with the result that readers see."""
    parts = connect(os.environ)
    batches = list(every(parts.store, Batch, "brewery"))
    head = parts.store.get(Head, "brewery", "brewery")
    numbers = sorted(batch.number for batch in batches if batch.number)
    glue = client(settings, "glue").get_partitions(
        DatabaseName=f"{settings.schema_prefix}bronze", TableName="brewery"
    )["Partitions"]
    rows = sorted(row for partition in glue for row in _rows(partition, parts.objects))
    problems = []
    if {batch.state for batch in batches} - {"published", "failed", "split"}:
        problems.append(f"left: {[batch.state for batch in batches]}")
    if head is None or head.intent or numbers != list(range(1, head.number + 1)):
        problems.append(f"numbers {numbers}, head {head}")
    if sorted(int(partition["Values"][1]) for partition in glue) != numbers:
        problems.append(f"partitions {[partition['Values'] for partition in glue]} of {numbers}")
    if rows != TRUTH:
        problems.append(f"rows {rows}")
    if [batch.totals.quarantined for batch in batches if batch.state == "published"].count(1) != 1:
        problems.append("the refused line is not in quarantine once")
    if [batch.error.split(":")[0] for batch in batches if batch.state == "failed"] != ["refused as a whole"]:
        problems.append(f"failed: {[batch.error for batch in batches if batch.state == 'failed']}")
    return problems


def _rows(partition: dict[str, Any], objects: Any) -> Iterator[tuple[int, str]]:
    for stored in objects.list(partition["StorageDescriptor"]["Location"]):
        # No Arrow threads here: this process forks, and a child of a threaded process may abort at its end.
        file = pq.ParquetFile(io.BytesIO(objects.get(stored.uri)))
        table = file.read(["brewery_id", "brewery_name"], use_threads=False)
        yield from ((row["brewery_id"], row["brewery_name"]) for row in table.to_pylist())


def land() -> None:
    """Create the lake and land the raw files."""
    settings = from_environment(os.environ)
    connect(os.environ)
    for key, body in RAW.items():
        S3Objects(settings).put(f"s3://{settings.bucket}/{key}", body)


def live_through(case: str, number: int) -> dict[str, Any]:
    """Play one case: land, die as often as it says, drain, judge. This process itself makes no calls."""
    lake = f"crash{os.getpid()}-{number}"
    os.environ.update(DM_BUCKET=lake, DM_CONTROL_TABLE=lake, DM_SCHEMA_PREFIX=f"c{os.getpid()}_{number}_")
    in_child(land)
    killed, calls = 0, 0
    for point in case.split(","):
        if killed:
            time.sleep(LEASE_SECONDS)  # or the next process would poll until the lease expires
        deadline = Deadline(int(point.rstrip("+")), point.endswith("+"))
        died, calls = in_child(partial(until, deadline))
        killed += died
    if killed:
        time.sleep(LEASE_SECONDS)
        in_child(partial(ingest, None))
    _, problems = in_child(lambda: judge(from_environment(os.environ)))
    return {"case": case, "killed": killed, "calls": calls, "problems": problems}


def copy_contract(folder: Path) -> None:
    """Copy the contract of the one table to `folder`."""
    for part in ("bronze", "rendered/bronze"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for path in (ROOT / "contracts" / part).glob("brewery.*"):
            shutil.copy(path, folder / part)


def share_clients() -> None:
    """Create each client once, for all child processes to inherit: most of the cost of starting a process."""
    make, made = boto3.client, {}

    def client_of(service: str, **options: Any) -> Any:
        if service not in made:
            made[service] = make(service, **options)
        return made[service]

    boto3.client = client_of
    for service in ("dynamodb", "s3", "glue"):
        client(from_environment(os.environ), service)


def main() -> None:
    """Play the cases of the command line."""
    endpoint, folder, *cases = sys.argv[1:]
    copy_contract(Path(folder))
    os.environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        DM_CONTRACTS=folder,
        DM_LEASE_SECONDS=str(LEASE_SECONDS),
    )
    share_clients()
    for number, case in enumerate(cases):
        print(json.dumps(live_through(case, number)), flush=True)


if __name__ == "__main__":
    main()
