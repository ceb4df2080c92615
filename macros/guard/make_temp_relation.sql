{% macro make_temp_relation(base_relation, suffix='__dbt_tmp', temp_schema=none) %}
    {#- The adapter's own creates the schema in a statement for each model; on-run-start has made it once. -#}
    {%- set temporary = base_relation.incorporate(path={
        'schema': temp_schema or base_relation.schema, 'identifier': base_relation.identifier ~ suffix
    }) -%}
    {#- A unit test that failed leaves its own behind, and would fail for ever on the name being taken. -#}
    {%- if load_cached_relation(temporary) is not none -%}
        {%- do drop_relation(temporary) -%}
    {%- endif -%}
    {{ return(temporary) }}
{% endmacro %}
