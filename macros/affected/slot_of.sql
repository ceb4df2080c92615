{% macro slot_of(month) %}
    {{ return((month // 100 * 12 + month % 100) % 96) }}
{% endmacro %}
