{% macro query_changed() %}
    {#- A table that was built before fingerprints were recorded has none, and counts as unchanged. -#}
    {%- set known = is_build() and has_table() and graph.queries is defined and graph.queries.get(this.identifier) -%}
    {{ return(known and known != query_mark() and not var('same_query', false)) }}
{% endmacro %}
