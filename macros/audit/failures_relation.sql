{% macro failures_relation() %}
    {{ return(ops_relation(this.schema ~ '_' ~ this.identifier ~ '_failures')) }}
{% endmacro %}
