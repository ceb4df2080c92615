"""The verified functions: name, parameter types, result type, and how DuckDB computes them."""
