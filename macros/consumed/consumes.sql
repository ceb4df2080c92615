{% macro consumes(table) -%}
    {%- set refs = '"' ~ table.schema ~ '"."' ~ table.identifier ~ '$refs"' -%}
    {%- set head = 'select snapshot_id from ' ~ refs ~ " where name = 'main'" -%}
    {{ consumed_mark(table, 'snapshot', offsets(table, iceberg_uuid(table) if execute else '', head)) }}
{%- endmacro %}
