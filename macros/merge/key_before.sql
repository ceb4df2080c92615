{% macro key_before(column, type) -%}
    {%- set text = "json_extract_scalar(_key_before, '$." ~ column ~ "')" -%}
    {#- A cast does not accept a T between date and time. -#}
    {{ 'replace(' ~ text ~ ", 'T', ' ')" if type.startswith('timestamp') else text }}
{%- endmacro %}
