"""dbt reads AWS's service descriptions once, its threads keep their sessions, and sessions their clients."""

import subprocess
import sys

FOUND = """
from dbt.plugins.manager import PluginManager
assert "dbt_lakehouse" in PluginManager.get_prefixed_modules()
"""
READS = """
import boto3, botocore.loaders
read, load = [], botocore.loaders.JSONFileLoader.load_file
botocore.loaders.JSONFileLoader.load_file = lambda self, path: (read.append(path), load(self, path))[1]
def glue(key):
    session = boto3.session.Session(aws_access_key_id=key, aws_secret_access_key=key)
    client = session.client("glue", region_name="eu-central-1")
    return client._request_signer._credentials.access_key
one, other = glue("one"), glue("other")
assert (one, other) == ("one", "other")
found = [path for path in read if path.endswith(("endpoints", "service-2"))]
print(len(found), len(set(found)))
"""
ASKED_AGAIN = """
import boto3
from botocore.config import Config
first, second = (boto3.session.Session(key, key, region_name="eu-central-1") for key in "ab")
plain, patient = Config(), Config(retries={"max_attempts": 9})
def glue(session, config, region="eu-central-1"):
    return session.client("glue", region_name=region, config=config)
one = glue(first, plain)
print(glue(first, plain) is one)
other, waiting, away = glue(second, plain), glue(first, patient), glue(first, plain, "us-east-1")
assert len({id(client) for client in (one, other, waiting, away, first.client("s3"))}) == 5
assert (other._request_signer._credentials.access_key, away.meta.region_name) == ("b", "us-east-1")
"""
CONNECTIONS = """
import threading, time
from types import SimpleNamespace
from dbt.adapters.athena.connections import AthenaConnection
def credentials(key):
    names = dict.fromkeys(("aws_session_token", "aws_profile_name", "assume_role_arn"))
    keys = dict(aws_access_key_id=key, aws_secret_access_key=key, region_name="eu-central-1")
    return SimpleNamespace(**names, **keys)
def session(credentials):
    return AthenaConnection(credentials).session
ann, bob, found = credentials("ann"), credentials("bob"), []
first = session(ann)
found.append(session(ann) is first)
threading.Thread(target=lambda: found.append(session(ann) is first)).start()
while len(found) < 2: time.sleep(0.01)
now = time.monotonic
time.monotonic = lambda: now() + 59
found.append(session(ann) is first)
time.monotonic = lambda: now() + 61
found.append(session(ann) is first)
found.append(session(bob).get_credentials().access_key)
print(*found)
"""
CATALOG = """
import agate, warnings
def catalog(column):
    types = agate.TypeTester(force={column: agate.Text()})
    return agate.Table([["x"]], ["table_name"], column_types=types)
with warnings.catch_warnings(record=True) as warned:
    catalog("table_owner")
    catalog("table_colour")
print(*(str(one.message).split()[0] for one in warned))
"""


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_dbt_imports_the_plugin() -> None:
    _python(FOUND)


def test_two_sessions_read_each_description_once() -> None:
    times, files = _python("import dbt_lakehouse\n" + READS).split()
    assert times == files == "2"


def test_without_the_plugin_each_session_reads_its_own() -> None:
    """If this fails, the plugin is no longer needed and may go."""
    times, files = _python(READS).split()
    assert (times, files) == ("4", "2")


def test_a_session_returns_the_same_client_again() -> None:
    assert _python("import dbt_lakehouse\n" + ASKED_AGAIN) == "True"


def test_without_the_plugin_a_session_creates_a_client_each_time() -> None:
    assert _python(ASKED_AGAIN) == "False"


def test_a_thread_keeps_the_session_of_its_credentials_for_a_minute() -> None:
    assert _python("import dbt_lakehouse\n" + CONNECTIONS) == "True False True False bob"


def test_without_the_plugin_each_connection_has_a_session_of_its_own() -> None:
    assert _python(CONNECTIONS) == "False False False False bob"


def test_a_column_that_athenas_catalog_lacks_gives_no_warning() -> None:
    assert _python("import dbt_lakehouse\n" + CATALOG) == '"table_colour"'


def test_without_the_plugin_agate_warns_about_the_missing_column() -> None:
    assert _python(CATALOG) == '"table_owner" "table_colour"'
