"""Statements: read from text, and, where they are no query, carried out on the catalog."""
