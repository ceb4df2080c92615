{% macro snapshot_bounds(table) %}
    {%- set head = 'select snapshot_id from ' ~ metadata_table(table, 'refs') ~ " where name = 'main'" -%}
    {{ return(offsets(table, iceberg_uuid(table) if execute else '', head)) }}
{% endmacro %}
