"""Run dbt-athena's own functional suite, unchanged, against a local cloud with the adapter installed here.

`CHECKOUT` is a checkout of dbt-labs/dbt-adapters (none of it is kept here):

    git clone --depth 1 https://github.com/dbt-labs/dbt-adapters /tmp/dbt-adapters
    python tests/localcloud/dbt/adapter_suite.py /tmp/dbt-adapters --engine trino
    python tests/localcloud/dbt/adapter_suite.py /tmp/dbt-adapters -- -k TestAthenaEmpty -x

Arguments after `--` go to pytest. Prints one line for each test that did not pass, then the counts. Exits
with 1 when a test fails that is not in NOT_OURS.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud import supervisor
from localcloud.config import DEFAULT_TRINO, ENGINES, Settings
from localcloud.instance import Record

ROOT = Path(__file__).resolve().parents[3]
BUCKET = "adapter-suite"
NEWER_DBT = "needs the option `seed --empty` of a newer dbt-core"
NOT_OURS = {
    "TestAthenaEmptySeedFlag": NEWER_DBT,
}
"""Test classes that cannot pass, each with the reason."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test ended (`passed`, `failed`, `skipped`, `not ours`), and why if it did not pass."""

    test: str
    ended: str
    reason: str = ""


def environment(record: Record) -> dict[str, str]:
    """Return what the suite and its AWS clients read, without anything that points to another account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DBT_"))}
    aws = {
        "AWS_ENDPOINT_URL": record.endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": record.region,
        "AWS_DEFAULT_REGION": record.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    suite = {
        "DBT_TEST_ATHENA_S3_STAGING_DIR": f"s3://{BUCKET}/staging/",
        "DBT_TEST_ATHENA_S3_TMP_TABLE_DIR": f"s3://{BUCKET}/tmp/",
        "DBT_TEST_ATHENA_REGION_NAME": record.region,
        "DBT_TEST_ATHENA_DATABASE": "awsdatacatalog",
        "DBT_TEST_ATHENA_SCHEMA": "adapter_suite",
        "DBT_TEST_ATHENA_WORK_GROUP": "primary",
        "DBT_TEST_ATHENA_THREADS": "1",
        "DBT_TEST_ATHENA_POLL_INTERVAL": "0.1",
        "DBT_TEST_ATHENA_NUM_RETRIES": "2",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    return {**kept, **aws, **suite}


def command(checkout: Path, report: Path, workers: int, arguments: list[str]) -> list[str]:
    """Return the pytest command for the suite's own tests; the options of its pyproject.toml are replaced."""
    options = ["-o", "addopts=", "-p", "no:cacheprovider", "-n", str(workers), f"--junitxml={report}"]
    return [
        sys.executable,
        "-m",
        "pytest",
        *options,
        *(arguments or ["-q"]),
        str(checkout / "tests/functional"),
    ]


def outcomes(report: Path) -> Iterator[Outcome]:
    """Yield every test of pytest's report."""
    for case in ET.parse(report).iter("testcase"):
        test = f"{case.get('classname')}::{case.get('name')}"
        worst = next((one for one in case if one.tag in ("failure", "error")), case.find("skipped"))
        if worst is None:
            yield Outcome(test, "passed")
            continue
        reason = next((why for name, why in NOT_OURS.items() if f".{name}::" in test), "")
        said = (worst.get("message") or "").splitlines()
        ended = "skipped" if worst.tag == "skipped" else "not ours" if reason else "failed"
        yield Outcome(test, ended, reason or (said[0] if said else ""))


def told(found: list[Outcome]) -> Mapping[str, int]:
    """Print what did not pass and the counts; return the counts."""
    for one in sorted(found, key=lambda one: (one.ended, one.test)):
        if one.ended != "passed":
            print(f"{one.ended}: {one.test}: {one.reason}")
    counts = Counter(one.ended for one in found)
    print(", ".join(f"{count} {ended}" for ended, count in sorted(counts.items())))
    return counts


def run(checkout: Path, engine: str, workers: int, arguments: list[str]) -> Mapping[str, int]:
    """Run the suite on a cloud that is removed afterwards; return the counts."""
    with tempfile.TemporaryDirectory(prefix="adapter-suite-") as name:
        cloud, report = Path(name, "cloud"), Path(name, "report.xml")
        trino = Path(os.environ.get("DM_TRINO_DIR") or ROOT / DEFAULT_TRINO)
        settings = Settings(cloud, port=0, buckets=(BUCKET,), engine=engine, trino=trino, save_every=0)
        record = supervisor.up(settings, lambda text: print(text, file=sys.stderr)).record
        try:
            tests = command(checkout, report, workers, arguments)
            subprocess.run(tests, cwd=checkout, env=environment(record), check=False)
            return told(list(outcomes(report)) if report.exists() else [])
        finally:
            supervisor.reset(cloud)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", type=Path, help="a checkout of dbt-labs/dbt-adapters")
    parser.add_argument("--engine", choices=ENGINES, default="duckdb")
    parser.add_argument("--workers", type=int, default=2, help="tests at once")
    parser.epilog = "What comes behind -- goes to pytest, instead of -q."
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    given = parser.parse_args(sys.argv[1:at])
    checkout = (given.checkout / "dbt-athena").resolve()
    if not checkout.joinpath("tests/functional").is_dir():
        parser.error(
            f"{given.checkout} is no checkout of dbt-labs/dbt-adapters: no dbt-athena/tests/functional"
        )
    counts = run(checkout, given.engine, given.workers, sys.argv[at + 1 :])
    return 0 if counts.get("passed") and not counts.get("failed") else 1


if __name__ == "__main__":
    sys.exit(main())
