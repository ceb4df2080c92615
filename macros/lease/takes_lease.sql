{% macro takes_lease() %}
    {{ return(is_build() and not var('reconcile', false)) }}
{% endmacro %}
