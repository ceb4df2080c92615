{% macro make_temp_relation(base_relation, suffix='__dbt_tmp', temp_schema=none) %}
    {#- The adapter's macro creates the schema in one statement per model; on-run-start has created it already. -#}
    {%- set temporary = base_relation.incorporate(path={
        'schema': temp_schema or base_relation.schema, 'identifier': base_relation.identifier ~ suffix
    }) -%}
    {#- A failed unit test leaves its relation behind, and would then always fail because the name is taken. -#}
    {%- if load_cached_relation(temporary) is not none -%}
        {%- do drop_relation(temporary) -%}
    {%- endif -%}
    {{ return(temporary) }}
{% endmacro %}
