"""Paths of SQL/JSON: `parser` reads them into `nodes`, `sequences` says them in DuckDB's SQL."""
