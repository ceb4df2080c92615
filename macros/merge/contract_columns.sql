{% macro contract_columns() %}
    {{ return(model.columns) }}
{% endmacro %}
