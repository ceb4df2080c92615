{% macro table_columns() %}
    {%- if model.resource_type == 'unit_test' -%}{{ return(contract_columns().keys() | list) }}{%- endif -%}
    {#- Asked once a model: at 79 times a build, the catalog's answers took a fifth of dbt's time. -#}
    {%- set known = load_result('columns of this') -%}
    {%- set names = known.response if known is not none
        else adapter.get_columns_in_relation(this) | map(attribute='name') | list -%}
    {%- do store_result('columns of this', response=names) -%}
    {{ return(names) }}
{% endmacro %}
