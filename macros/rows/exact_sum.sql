{% macro exact_sum(score) -%}
    sum(cast({{ score }} as decimal(12, 6)))
{%- endmacro %}
