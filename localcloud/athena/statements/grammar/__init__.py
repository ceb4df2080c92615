"""The grammar of the statements that are no queries, one module for each first word or two."""
