{% macro rounded_mean(total, count) -%}
    cast(round(cast({{ total }} as decimal(38, 18)) / {{ count }}, 4) as decimal(6, 4))
{%- endmacro %}
