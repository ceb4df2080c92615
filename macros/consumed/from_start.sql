{% macro from_start() %}
    {%- if var('rebuild', false) or var('reconcile', false) or not is_incremental() -%}{{ return(true) }}{%- endif -%}
    {{ return((contract_columns().keys() | reject('in', table_columns()) | list | length) > 0) }}
{% endmacro %}
