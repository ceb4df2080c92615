{% macro table_columns() %}
    {%- if is_unit_test() -%}{{ return(contract_columns().keys() | list) }}{%- endif -%}
    {#- Asked once a model: at 79 times a build, the catalog's answers took a fifth of dbt's time. -#}
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
