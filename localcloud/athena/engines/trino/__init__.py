"""The second engine: a real Trino on the same catalog and objects, sent the statements as written."""
