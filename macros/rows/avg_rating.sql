{% macro avg_rating(score) -%}
    cast(round(cast(sum(cast({{ score }} as decimal(12, 6))) as decimal(38, 18)) / count(*), 4) as decimal(6, 4))
{%- endmacro %}
