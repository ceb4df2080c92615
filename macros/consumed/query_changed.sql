{% macro query_changed() %}
    {#- What was built before queries were written down has none, and is taken for the same. -#}
    {%- set known = is_build() and is_incremental() and graph.queries is defined and graph.queries.get(this.identifier) -%}
    {{ return(known and known != query_mark() and not var('same_query', false)) }}
{% endmacro %}
