{% macro state_bounds(state) %}
    {%- if not is_build() -%}
        {{ return({'table_uuid': '', 'head': 0, 'consumed': 0}) }}
    {%- endif -%}
    {%- set heads = [] -%}
    {%- for name in model.refs | map(attribute='name') | unique if name.endswith('_state') -%}
        {%- set table = ref(name) -%}
        {#- From file statistics: batches that are no longer in the table were consumed before. -#}
        {%- do heads.append(
            "select '" ~ table.schema ~ '.' ~ table.identifier ~ "' as input, '" ~ iceberg_uuid(table) ~ "' as table_uuid,"
            ~ ' max(data._batch.max) as head from ' ~ metadata_table(table, 'partitions')
        ) -%}
    {%- endfor -%}
    {#- One statement for all states; a second call in the same model must see the same heads. -#}
    {%- set found = ask_once('offsets of states',
        'with taken as (select input, table_uuid, max_by(batch, build) as consumed from ' ~ ops_relation('consumed')
        ~ " where model = '" ~ this.identifier ~ "' group by input, table_uuid), heads as ("
        ~ heads | join(' union all ') ~ ') select heads.input, heads.table_uuid, coalesce(heads.head, 0), coalesce(taken.consumed, 0)'
        ~ ' from heads left join taken on taken.input = heads.input and taken.table_uuid = heads.table_uuid'
    ) -%}
    {%- for row in found.rows if row[0] == state.schema ~ '.' ~ state.identifier -%}
        {{ return(bounds_of(row[1], row[2], row[3])) }}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error(this ~ ' does not refer to the state table ' ~ state) -%}
{% endmacro %}
