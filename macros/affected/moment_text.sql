{% macro moment_text(moment) -%}
    lpad(cast(cast(round(to_unixtime({{ moment }}) * 1000) as bigint) as varchar), 15, '0')
{%- endmacro %}
