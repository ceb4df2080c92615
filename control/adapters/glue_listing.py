"""The tables and views in Glue, and the locations that Lake Formation governs."""

from collections.abc import Iterator

from control.adapters.aws import client, translated
from control.config import Settings
from control.errors import NotFoundError
from control.ports import TableEntry


def governed_places(settings: Settings) -> list[str]:
    """Return the URIs of the buckets and folders that are registered with Lake Formation."""
    lake_formation = client(settings, "lakeformation")
    token: dict[str, str] = {}
    found: list[str] = []
    while True:
        with translated("Lake Formation", settings.endpoint):
            page = lake_formation.list_resources(**token)
        arns = (one["ResourceArn"] for one in page.get("ResourceInfoList", []))
        found += [f"s3://{arn.partition(':::')[2]}" for arn in arns]
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}


class GlueListing:
    """A listing of Glue."""

    def __init__(self, settings: Settings) -> None:
        self._endpoint = settings.endpoint
        self._client = client(settings, "glue")

    def tables(self, database: str) -> Iterator[TableEntry]:
        """See Listing."""
        token: dict[str, str] = {}
        while True:
            try:
                with translated(f"database {database}", self._endpoint):
                    page = self._client.get_tables(DatabaseName=database, **token)
            except NotFoundError:
                return
            for raw in page["TableList"]:
                yield TableEntry(
                    database,
                    raw["Name"],
                    (raw.get("StorageDescriptor") or {}).get("Location", ""),
                    raw.get("TableType") == "VIRTUAL_VIEW",
                    raw.get("Parameters") or {},
                )
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}
