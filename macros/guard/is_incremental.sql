{% macro is_incremental() %}
    {%- if is_unit_test() and not this -%}{{ return(false) }}{%- endif -%}
    {{ return(dbt.is_incremental()) }}
{% endmacro %}
