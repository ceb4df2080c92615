"""Two local clouds side by side: one on DuckDB, one on a real Trino."""

from dataclasses import dataclass

from lakehouse import Lakehouse


@dataclass(frozen=True, slots=True)
class Clouds:
    """One lakehouse per engine."""

    duckdb: Lakehouse
    trino: Lakehouse

    @property
    def both(self) -> tuple[Lakehouse, Lakehouse]:
        return self.duckdb, self.trino
