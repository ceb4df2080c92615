{% macro table_columns() %}
    {%- if model.resource_type == 'unit_test' -%}{{ return(contract_columns().keys() | list) }}{%- endif -%}
    {{ return(adapter.get_columns_in_relation(this) | map(attribute='name') | list) }}
{% endmacro %}
