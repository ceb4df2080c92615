"""A real Trino behind the gateway, for machines that can fetch it: the measure of what DuckDB answers."""
