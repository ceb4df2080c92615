{% macro offsets(input, table_uuid, head, changes=none) %}
    {%- if not is_build() -%}
        {{ return({'table_uuid': '', 'head': 0, 'consumed': 0}) }}
    {%- endif -%}
    {#- A second call in the same model must see the same head. -#}
    {%- set row = ask_once('offsets of ' ~ input,
        'with taken as (select coalesce(max_by(coalesce(batch, snapshot_id), build), 0) as consumed'
        ~ ' from ' ~ ops_relation('consumed')
        ~ " where model = '" ~ this.identifier ~ "' and input = '" ~ input.schema ~ '.' ~ input.identifier
        ~ "' and table_uuid = '" ~ table_uuid ~ "')" ~ (', ' ~ changes if changes)
        ~ ' select coalesce((' ~ head ~ '), 0) as head, consumed' ~ (', since, partitions' if changes)
        ~ ' from ' ~ ('changes' if changes else 'taken')
    ).rows[0] -%}
    {%- set found = bounds_of(table_uuid, row[0], row[1]) -%}
    {%- do found.update({'since': row[2], 'changed': row[3]} if changes else {}) -%}
    {{ return(found) }}
{% endmacro %}
