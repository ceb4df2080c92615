{% macro offsets(input, table_uuid, head, changes=none) %}
    {%- if not execute or flags.WHICH not in ('run', 'build', 'retry') -%}
        {{ return({'table_uuid': '', 'head': 0, 'consumed': 0}) }}
    {%- endif -%}
    {#- A second call in one model must see the same head. -#}
    {%- set row = ask_once('offsets of ' ~ input,
        'with taken as (select coalesce(max_by(coalesce(batch, snapshot_id), build), 0) as consumed'
        ~ ' from ' ~ consumed_relation()
        ~ " where model = '" ~ this.identifier ~ "' and input = '" ~ input.schema ~ '.' ~ input.identifier
        ~ "' and table_uuid = '" ~ table_uuid ~ "')" ~ (', ' ~ changes if changes)
        ~ ' select coalesce((' ~ head ~ '), 0) as head, consumed' ~ (', since, partitions' if changes)
        ~ ' from taken' ~ (' cross join changes' if changes)
    ).rows[0] -%}
    {{ return({
        'table_uuid': table_uuid,
        'head': (row[1] if var('reconcile', false) else row[0]) | int,
        'consumed': 0 if from_start() else row[1] | int,
        'since': row[2] if changes else none,
        'changed': row[3] if changes else none,
    }) }}
{% endmacro %}
