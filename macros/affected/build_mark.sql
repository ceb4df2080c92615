{% macro build_mark() %}
    {%- set reads = is_build() and has_table() -%}
    {{ return((version_mark(this) if reads else '0' * 15) ~ '.' ~ build_id() | trim) }}
{% endmacro %}
