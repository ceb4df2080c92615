{% macro plain_query_type(type) %}
    {%- set spelled = modules.re.sub(',\\s*', ', ', type | lower | replace('"', '')) -%}
    {{ return(modules.re.sub('\\b(varchar|char|timestamp)\\([0-9]+\\)', '\\1', spelled)) }}
{% endmacro %}
