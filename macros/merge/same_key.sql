{% macro same_key(left, right, key) -%}
    {%- for column in key %}
        {{- ' and ' if not loop.first }}{{ left }}.{{ column }} = {{ right }}.{{ column }}
    {%- endfor -%}
{%- endmacro %}
