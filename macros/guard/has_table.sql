{% macro has_table() %}
    {#- A unit test overrides is_incremental, and nothing else. -#}
    {{ return(is_incremental() if is_unit_test() else dbt.is_incremental()) }}
{% endmacro %}
