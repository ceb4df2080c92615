{% macro snapshot_bounds(table) %}
    {%- if not is_build() -%}{{ return(offsets(table, '', '')) }}{%- endif -%}
    {%- set head = 'select snapshot_id from ' ~ metadata_table(table, 'refs') ~ " where name = 'main'" -%}
    {%- set changes = changed_partitions(table) if not recomputes_all() else none -%}
    {{ return(offsets(table, iceberg_uuid(table), head, changes)) }}
{% endmacro %}
