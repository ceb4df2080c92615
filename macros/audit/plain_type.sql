{% macro plain_type(type) %}
    {#- The catalog has one text type for Iceberg, and a length is a check of its own. -#}
    {%- set spelled = modules.re.sub('\\s+', '', type | lower) -%}
    {%- set spelled = modules.re.sub('\\b(var)?char(\\([0-9]+\\))?(?![a-z0-9_:])', 'string', spelled) -%}
    {%- set spelled = modules.re.sub('\\binteger\\b(?!:)', 'int', spelled) -%}
    {{ return(modules.re.sub('\\btimestamp\\([0-9]\\)', 'timestamp', spelled)) }}
{% endmacro %}
