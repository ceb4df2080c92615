{% macro bounds_of(table_uuid, head, consumed) %}
    {{ return({
        'table_uuid': table_uuid,
        'head': (consumed if var('reconcile', false) else head) | int,
        'consumed': 0 if from_start() else consumed | int,
    }) }}
{% endmacro %}
