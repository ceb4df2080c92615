{% macro newest_snapshot(table) -%}
    select snapshot_id from {{ metadata_table(table, 'refs') }} where name = 'main'
{%- endmacro %}
