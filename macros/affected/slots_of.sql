{% macro slots_of(months) %}
    {%- set slots = [] -%}
    {%- for month in months -%}{%- do slots.append((month // 100 * 12 + month % 100) % 96) -%}{%- endfor -%}
    {{ return(slots | unique | sort | join(', ') or -1) }}
{% endmacro %}
