{% macro lease_column() %}
    {%- if not takes_lease() -%}{{ return('0') }}{%- endif -%}
    (select cast(to_unixtime(current_timestamp) as bigint) - max(renewed_at) from {{ ops_relation('lease') }} where holder = '{{ invocation_id }}')
{%- endmacro %}
