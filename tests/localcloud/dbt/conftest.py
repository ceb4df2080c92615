"""The fixtures of dbt's test kit for adapters, with an Athena profile that points to a local cloud."""

import os
from collections.abc import Iterator

import boto3
import pytest

# A conftest below the top folder cannot name plugins, so the kit's fixtures are imported one by one.
from dbt.tests.fixtures.project import (  # noqa: F401
    adapter,
    analyses,
    clean_up_logging,
    dbt_profile_data,
    dbt_project_yml,
    dependencies,
    dependencies_yml,
    environment,
    functions,
    initialization,
    logs_dir,
    macros,
    models,
    packages,
    packages_yml,
    prefix,
    profile_user,
    profiles_config_update,
    profiles_root,
    profiles_yml,
    project,
    project_config_update,
    project_files,
    project_root,
    project_setup,
    properties,
    seeds,
    selectors,
    selectors_yml,
    shared_data_dir,
    snapshots,
    test_config,
    test_data_dir,
    tests,
    unique_schema,
)

from localcloud import processes, supervisor
from localcloud.config import Settings


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the endpoint of a whole local cloud."""
    record = supervisor.up(Settings(tmp_path_factory.mktemp("cloud"), port=0), lambda _: None).record
    yield record.endpoint
    for part in record.parts:
        processes.kill(part.pid, part.started)


@pytest.fixture(scope="class")
def endpoint(cloud: str) -> Iterator[str]:
    """Return that endpoint, with a bucket; this process's AWS clients point to it during a class's tests."""
    values = {
        "AWS_ENDPOINT_URL": cloud,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="kit")
        yield cloud


@pytest.fixture(scope="class")
def dbt_profile_target(endpoint: str) -> dict[str, object]:
    """Return the connection that every test of the kit uses."""
    assert os.environ["AWS_ENDPOINT_URL"] == endpoint
    return {
        "type": "athena",
        "s3_staging_dir": "s3://kit/staging/",
        "s3_tmp_table_dir": "s3://kit/tmp/",
        "region_name": "us-east-1",
        "database": "awsdatacatalog",
        "schema": "kit",
        "threads": 2,
        "poll_interval": 0.1,
        "num_retries": 1,
    }
