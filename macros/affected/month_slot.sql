{% macro month_slot(month) -%}
    ({{ month }} / 100 * 12 + {{ month }} % 100) % 96
{%- endmacro %}
