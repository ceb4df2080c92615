{% macro is_unit_test() %}
    {{ return(execute and model is defined and model.resource_type == 'unit_test') }}
{% endmacro %}
