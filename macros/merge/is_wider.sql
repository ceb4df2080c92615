{% macro is_wider(before, after) %}
    {%- if (before, after) in [('int', 'bigint'), ('float', 'double')] -%}{{ return(true) }}{%- endif -%}
    {%- set decimals = modules.re.findall('decimal[(]([0-9]+),([0-9]+)[)]', before ~ ' ' ~ after) -%}
    {%- if decimals | length != 2 -%}{{ return(false) }}{%- endif -%}
    {{ return(decimals[0][0] | int <= decimals[1][0] | int and decimals[0][1] == decimals[1][1]) }}
{% endmacro %}
