{% macro from_start() %}
    {%- set asked = (var('rebuild', false) or var('reconcile', false)) and not is_unit_test() -%}
    {%- if asked or not has_table() or query_changed() -%}{{ return(true) }}{%- endif -%}
    {{ return((contract_columns().keys() | reject('in', table_columns()) | list | length) > 0) }}
{% endmacro %}
