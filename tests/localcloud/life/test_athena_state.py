"""Workgroups and prepared statements are restored with the rest of the state."""

import pytest
from botocore.exceptions import ClientError

from localcloud.config import Settings


def prepared(athena, group="team"):
    found = athena.get_prepared_statement(StatementName="by_id", WorkGroup=group)["PreparedStatement"]
    return found["QueryStatement"]


def test_workgroups_and_prepared_statements_survive_restarts(cloud):
    settings = {"athena": Settings(cloud.folder).athena, "save_every": 0}
    cloud.up(**settings)
    athena = cloud.client("athena")
    results = {"ResultConfiguration": {"OutputLocation": "s3://lake/team/"}}
    athena.create_work_group(Name="team", Configuration=results, Description="ours")
    athena.create_prepared_statement(StatementName="by_id", WorkGroup="team", QueryStatement="select ?")
    athena.create_prepared_statement(
        StatementName="by_id", WorkGroup="primary", QueryStatement="select ? + 1"
    )
    athena.create_work_group(Name="gone")
    athena.delete_work_group(WorkGroup="gone", RecursiveDeleteOption=True)
    before = athena.get_work_group(WorkGroup="team")["WorkGroup"]

    cloud.kill("athena")
    cloud.up(**settings)
    assert prepared(cloud.client("athena")) == "select ?"

    cloud.down()
    cloud.up(**settings)
    athena = cloud.client("athena")
    assert athena.get_work_group(WorkGroup="team")["WorkGroup"] == before
    assert (prepared(athena), prepared(athena, "primary")) == ("select ?", "select ? + 1")
    with pytest.raises(ClientError, match="not found"):
        athena.get_work_group(WorkGroup="gone")
