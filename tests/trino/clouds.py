"""Two local clouds side by side: DuckDB behind the one, a real Trino behind the other."""

from dataclasses import dataclass

from lakehouse import Lakehouse


@dataclass(frozen=True, slots=True)
class Clouds:
    """One lakehouse an engine."""

    duckdb: Lakehouse
    trino: Lakehouse

    @property
    def both(self) -> tuple[Lakehouse, Lakehouse]:
        return self.duckdb, self.trino
