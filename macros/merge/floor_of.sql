{% macro floor_of(events) %}
    {%- set none_yet = {'place': '', 'rose': false, 'batch': 0} -%}
    {%- if events is none or not is_build() or load_relation(events) is none -%}
        {{ return(none_yet) }}
    {%- endif -%}
    {%- set bounds = bronze_bounds() -%}
    {#- No rows are read, so none can be below a floor, and no floor has risen. -#}
    {%- if bounds.head == bounds.consumed -%}{{ return(none_yet) }}{%- endif -%}
    {%- set row = run_query(
        "select coalesce(max(_seq), '') as place,"
        ~ ' coalesce(max(case when batch > ' ~ bounds.consumed ~ " then _seq end), '') as risen_to from " ~ events
        ~ " where event in ('truncate-table', 'reload-complete') and batch <= " ~ bounds.head
    ).rows[0] -%}
    {{ return({'place': row[0], 'rose': row[0] != '' and row[0] == row[1], 'batch': bounds.head}) }}
{% endmacro %}
