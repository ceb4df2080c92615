{% macro differs(left, right, columns) -%}
    {%- for column in columns %}
        {{- '\n        or ' if not loop.first }}{{ left }}.{{ column }} is distinct from {{ right }}.{{ column }}
    {%- endfor -%}
{%- endmacro %}
