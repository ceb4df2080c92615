"""Translate Athena SQL to DuckDB SQL. Every expression has its Athena type; only listed functions pass."""
