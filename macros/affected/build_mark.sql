{% macro build_mark() %}
    {%- set reads = execute and flags.WHICH in ('run', 'build', 'retry') and is_incremental() -%}
    {{ return((version_mark(this) if reads else '0' * 15) ~ '.' ~ build_id() | trim) }}
{% endmacro %}
