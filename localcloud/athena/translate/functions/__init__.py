"""The verified list of functions: name, parameter types, result type, and how DuckDB computes it."""
