{% macro lease_column() %}
    {%- if not takes_lease() or adapter.get_glue_table(lease_relation()) is none -%}{{ return('0') }}{%- endif -%}
    (select cast(to_unixtime(current_timestamp) as bigint) - max(renewed_at) from {{ lease_relation() }} where holder = '{{ invocation_id }}')
{%- endmacro %}
