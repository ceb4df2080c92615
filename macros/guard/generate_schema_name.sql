{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set prefix = env_var('DM_SCHEMA_PREFIX', '') -%}
    {%- if not modules.re.fullmatch('([a-z][a-z0-9_]*)?', prefix) -%}
        {%- do exceptions.raise_compiler_error(
            "DM_SCHEMA_PREFIX is a prefix of database names, not '" ~ prefix ~ "': lower case, digits, _, a letter first, such as ann_"
        ) -%}
    {%- endif -%}
    {{ prefix }}{{ custom_schema_name or 'ops' }}
{%- endmacro %}
