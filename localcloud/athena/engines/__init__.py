"""The engines behind the gateway. Only this module knows all of them."""

from pathlib import Path

from localcloud.athena.catalog import Catalog
from localcloud.athena.model import Engine


def create(catalog: Catalog, folder: Path, trino: str = "", trino_log: str = "") -> Engine:
    """Return DuckDB, working in `folder`, or the Trino at the URL `trino`, whose log is `trino_log`."""
    if trino:
        from localcloud.athena.engines.trino.client import Client
        from localcloud.athena.engines.trino.engine import Trino

        return Trino(catalog, Client(trino, trino_log))
    from localcloud.athena.engines.duckdb import DuckDb

    return DuckDb(catalog, folder)
