"""Athena SQL to DuckDB SQL, typed: every expression carries its Athena type, every function is on a list."""
