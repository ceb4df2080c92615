"""Statements: parse them and, unless they are queries, run them on the catalog."""
