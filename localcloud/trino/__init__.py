"""A real Trino behind the gateway, for machines that can fetch it: DuckDB's answers are compared with it."""
