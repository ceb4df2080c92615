"""Statements through the API of a cloud's Athena, as any client sends them."""

import time
from typing import Any

import boto3
from lakehouse import Lakehouse
from run import Answer

FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
SECONDS = 600


class Gateway:
    """The Athena of one cloud."""

    def __init__(self, house: Lakehouse) -> None:
        given = {
            "endpoint_url": house.env["AWS_ENDPOINT_URL"],
            "region_name": house.env["AWS_REGION"],
            "aws_access_key_id": house.env["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": house.env["AWS_SECRET_ACCESS_KEY"],
        }
        self.client = boto3.client("athena", **given)
        self.s3 = boto3.client("s3", **given)

    def start(self, sql: str, database: str = "default") -> str:
        """Start a statement; return its id."""
        context = {"Database": database}
        started = self.client.start_query_execution(QueryString=sql, QueryExecutionContext=context)
        return str(started["QueryExecutionId"])

    def wait(self, query_id: str) -> dict[str, Any]:
        """Wait for a statement to end; return its status."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            execution = self.client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if execution["Status"]["State"] in FINAL:
                return dict(execution["Status"])
            time.sleep(0.02)
        raise AssertionError(f"{query_id} is not over after {SECONDS} s")

    def results(self, sql: str, database: str = "default") -> dict[str, Any]:
        """Return GetQueryResults of a statement that fits on a page; only `error` if it fails."""
        try:
            query_id = self.start(sql, database)
        except self.client.exceptions.InvalidRequestException as error:
            return {"error": f"InvalidRequestException: {error}"}
        status = self.wait(query_id)
        if status["State"] != "SUCCEEDED":
            return {"error": str(status.get("StateChangeReason", status["State"]))}
        return dict(self.client.get_query_results(QueryExecutionId=query_id))

    def result_file(self, sql: str) -> bytes:
        """Return the file that holds all rows of a query."""
        query_id = self.start(sql)
        status = self.wait(query_id)
        assert status["State"] == "SUCCEEDED", status
        execution = self.client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        bucket, key = execution["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").split("/", 1)
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def ask(self, sql: str, database: str) -> Answer:
        """Return the answer of a statement, for the runner of sequences."""
        found = self.results(sql, database)
        if "error" in found:
            return Answer(error=found["error"])
        rows = found["ResultSet"]["Rows"][1:]
        lines = (tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in rows)
        return Answer(tuple(lines), found.get("UpdateCount"))
