{% macro table_columns() %}
    {%- if is_unit_test() -%}{{ return(contract_columns().keys() | list) }}{%- endif -%}
    {#- Queried once per model: with 79 requests per build, the catalog took a fifth of dbt's time. -#}
    {%- set known = load_result('columns of this') -%}
    {%- set types = known.response if known is not none else {} -%}
    {%- if known is none -%}
        {%- for column in adapter.get_columns_in_relation(this) -%}
            {%- do types.update({column.name: column.dtype}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do store_result('columns of this', response=types) -%}
    {{ return(types) }}
{% endmacro %}
