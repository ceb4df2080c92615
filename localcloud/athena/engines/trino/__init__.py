"""The second engine: a real Trino on the same catalog and objects, given statements as they were written."""
