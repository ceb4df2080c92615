{% macro differs(left, right, columns, stated={}) -%}
    {%- if columns | reject('in', table_columns()) | list -%}
        true
    {%- else -%}
    {%- for column in columns %}
        {%- set typed = column in stated and stated[column].data_type is defined and stated[column].data_type -%}
        {{- '\n        or ' if not loop.first }}
        {%- if typed -%}
            cast({{ left }}.{{ column }} as {{ query_type(stated[column].data_type) }})
        {%- else -%}
            {{ left }}.{{ column }}
        {%- endif %} is distinct from {{ right }}.{{ column }}
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
