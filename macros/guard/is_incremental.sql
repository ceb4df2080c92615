{% macro is_incremental() %}
    {%- if is_unit_test() -%}{{ return(this and dbt.is_incremental()) }}{%- endif -%}
    {{ return(has_table() and not recomputes_all()) }}
{% endmacro %}
