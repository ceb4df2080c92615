{% macro snapshot_bounds(table) %}
    {%- if not is_build() -%}{{ return(bounds_of(table)) }}{%- endif -%}
    {%- set table_uuid = iceberg_uuid(table) -%}
    {%- if recomputes_all() -%}
        {%- set rows = ask_once(newest_snapshot(table)).rows -%}
        {{ return(bounds_of(table, table_uuid, rows[0][0] if rows else 0)) }}
    {%- endif -%}
    {#- Models that have consumed the same snapshot share one answer. -#}
    {%- set found = ask_once(changes_since(table, last_consumed(table, table_uuid))).rows[0] -%}
    {{ return(dict(bounds_of(table, table_uuid, found[0]), since=found[1], changed=found[2])) }}
{% endmacro %}
