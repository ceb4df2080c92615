{% macro takes_lease() %}
    {{ return(execute and flags.WHICH in ('run', 'build', 'retry') and not var('reconcile', false)) }}
{% endmacro %}
