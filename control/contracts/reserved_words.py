"""SQL keywords that cannot be column names, because queries here do not quote names."""

# Names only in quotes, according to Athena's documentation.
_ATHENA = """
    alter and as between by case cast constraint create cross cube current_catalog current_date
    current_path current_role current_schema current_time current_timestamp current_user deallocate delete
    describe distinct drop else end escape except execute exists extract false first for from full group
    grouping having in inner insert intersect into is join json_array json_exists json_object json_query
    json_table json_value last left like listagg localtime localtimestamp natural normalize not null of on
    or order outer prepare recursive right rollup select skip table then trim true uescape union unnest
    using values when where with
"""
# Names to Athena but not to sqlglot, which parses queries for the local cloud and for lineage.
_SQLGLOT = """
    any fetch glob grant ilike interval lateral limit lock match_recognize notnull offset partitioned_by
    regexp returning revoke rlike rollback tablesample uncache window xor
"""
RESERVED = frozenset((_ATHENA + _SQLGLOT).split())
