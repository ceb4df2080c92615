{% macro newer_wins() -%}
    (src._seq > target._seq or (src._seq = target._seq and src._rev >= target._rev))
{%- endmacro %}
