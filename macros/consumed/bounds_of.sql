{% macro bounds_of(input, table_uuid='', head=none) %}
    {%- if not is_build() -%}{{ return({'table_uuid': '', 'head': 0, 'consumed': 0}) }}{%- endif -%}
    {%- set consumed = last_consumed(input, table_uuid) -%}
    {{ return({
        'table_uuid': table_uuid,
        'head': consumed if var('reconcile', false) else head | int,
        'consumed': 0 if from_start() else consumed,
    }) }}
{% endmacro %}
