{% macro sent_value(column, type) -%}
    {%- set exact = column ~ '_us' -%}
    {%- if query_type(type).startswith('timestamp') and exact in source_columns() -%}
        coalesce({{ from_microseconds(exact) }}, {{ column }})
    {%- else -%}
        {{ column }}
    {%- endif -%}
{%- endmacro %}
