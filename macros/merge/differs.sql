{% macro differs(left, right, columns) -%}
    {%- if columns | reject('in', table_columns()) | list -%}
        true
    {%- else -%}
    {%- for column in columns %}
        {{- '\n        or ' if not loop.first }}{{ left }}.{{ column }} is distinct from {{ right }}.{{ column }}
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
