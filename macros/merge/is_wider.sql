{% macro is_wider(before, after) %}
    {%- if (before, after) in [('int', 'bigint'), ('float', 'double')] -%}{{ return(true) }}{%- endif -%}
    {%- set decimals = 'decimal[(]([0-9]+),([0-9]+)[)] decimal[(]([0-9]+),([0-9]+)[)]' -%}
    {%- set digits = modules.re.fullmatch(decimals, before ~ ' ' ~ after) -%}
    {%- if not digits -%}{{ return(false) }}{%- endif -%}
    {{ return(digits[1] | int <= digits[3] | int and digits[2] == digits[4]) }}
{% endmacro %}
