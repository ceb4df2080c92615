{% macro build_mark() %}
    {%- set reads = is_build() and is_incremental() -%}
    {{ return((version_mark(this) if reads else '0' * 15) ~ '.' ~ build_id() | trim) }}
{% endmacro %}
