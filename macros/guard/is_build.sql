{% macro is_build() %}
    {{ return(execute and flags.WHICH in ('run', 'build', 'retry') and not flags.EMPTY and not is_unit_test()) }}
{% endmacro %}
