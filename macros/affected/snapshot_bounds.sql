{% macro snapshot_bounds(table) %}
    {%- set head = 'select snapshot_id from ' ~ metadata_table(table, 'refs') ~ " where name = 'main'" -%}
    {%- set changes = changed_partitions(table) if execute and not recomputes_all() else none -%}
    {{ return(offsets(table, iceberg_uuid(table) if execute else '', head, changes)) }}
{% endmacro %}
