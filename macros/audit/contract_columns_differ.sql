{% macro contract_columns_differ(staged) %}
    {%- set found, expected = {}, {} -%}
    {%- for column in adapter.get_columns_in_relation(staged) -%}
        {%- do found.update({column.column: plain_type(column.dtype)}) -%}
    {%- endfor -%}
    {%- for column in model.columns.values() -%}
        {%- do expected.update({column.name: plain_type(column.data_type)}) -%}
    {%- endfor -%}
    {{ return(columns_differ(expected, found)) }}
{% endmacro %}
