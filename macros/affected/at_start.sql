{% macro at_start(table) -%}
    {%- set bounds = snapshot_bounds(table) -%}
    {{ table }}
    {%- if bounds.head %} for version as of {{ bounds.head }}{{ consumed_mark(table, 'snapshot', bounds) }}{% endif -%}
{%- endmacro %}
