{% macro slots_of(months) %}
    {%- set slots = [] -%}
    {%- for month in months -%}{%- do slots.append(slot_of(month)) -%}{%- endfor -%}
    {{ return(slots | unique | sort | join(', ') or -1) }}
{% endmacro %}
