{% macro qualified(alias, columns) -%}
    {{ alias }}.{{ columns | join(', ' ~ alias ~ '.') }}
{%- endmacro %}
