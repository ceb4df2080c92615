{% macro is_build() %}
    {{ return(execute and flags.WHICH in ('run', 'build', 'retry') and not flags.EMPTY) }}
{% endmacro %}
