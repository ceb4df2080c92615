{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ env_var('DM_SCHEMA_PREFIX', '') }}{{ custom_schema_name or 'ops' }}
{%- endmacro %}
