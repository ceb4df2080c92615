{% macro state_bounds(state) %}
    {%- if not is_build() -%}{{ return(bounds_of(state)) }}{%- endif -%}
    {%- set heads = [] -%}
    {%- for name in model.refs | map(attribute='name') | unique if name.endswith('_state') -%}
        {%- set table = ref(name) -%}
        {#- From file statistics: batches that are no longer in the table were consumed before. -#}
        {%- do heads.append(
            "select '" ~ table.schema ~ '.' ~ table.identifier ~ "' as input, '" ~ iceberg_uuid(table) ~ "' as table_uuid,"
            ~ ' coalesce(max(data._batch.max), 0) as head from ' ~ metadata_table(table, 'partitions')
        ) -%}
    {%- endfor -%}
    {#- One statement for all states; a second call in the same model must see the same heads. -#}
    {%- for row in ask_once(heads | join(' union all ')).rows if row[0] == state.schema ~ '.' ~ state.identifier -%}
        {{ return(bounds_of(state, row[1], row[2])) }}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error(this ~ ' does not refer to the state table ' ~ state) -%}
{% endmacro %}
