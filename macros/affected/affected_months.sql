{% macro affected_months(flat) %}
    {%- if not execute or flags.WHICH not in ('run', 'build', 'retry') or recomputes_all() -%}{{ return(none) }}{%- endif -%}
    {%- set bounds = snapshot_bounds(flat) -%}
    {%- if not bounds.consumed -%}{{ return(none) }}{%- endif -%}
    {%- set since = version_mark(
        flat, 'snapshot_id in (select snapshot_id from ' ~ metadata_table(flat, 'history')
        ~ ' where snapshot_id = ' ~ bounds.consumed ~ ' and is_current_ancestor)'
    ) -%}
    {#- A version that is gone, or was rolled back, says nothing about what has changed since. -#}
    {%- if not since -%}{{ return(none) }}{%- endif -%}
    {%- set changed = ask_once(
        'changed months',
        'select distinct _month, _months_left from ' ~ flat ~ ' for version as of ' ~ bounds.head
        ~ " where _build >= '" ~ since ~ "'"
    ) -%}
    {%- set months = [] -%}
    {%- for row in changed.rows -%}
        {%- if row[0] is not none -%}{%- do months.append(row[0] | int) -%}{%- endif -%}
        {%- for left in (row[1] or '').split(',') if left -%}{%- do months.append(left | int) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(months | unique | sort) }}
{% endmacro %}
