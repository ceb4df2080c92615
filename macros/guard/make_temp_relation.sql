{% macro make_temp_relation(base_relation, suffix='__dbt_tmp', temp_schema=none) %}
    {%- set temporary = dbt.make_temp_relation(base_relation, suffix, temp_schema) -%}
    {#- A unit test that failed leaves its own behind, and would fail for ever on the name being taken. -#}
    {%- if load_cached_relation(temporary) is not none -%}
        {%- do drop_relation(temporary) -%}
    {%- endif -%}
    {{ return(temporary) }}
{% endmacro %}
