{% macro record_consumed() %}
    {%- set rows = [] -%}
    {%- for mark in consumed_marks() if mark.head != mark.consumed and not var('reconcile', false) -%}
        {%- do rows.append(
            "('" ~ this.identifier ~ "', '" ~ mark.input ~ "', '" ~ mark.table_uuid ~ "', "
            ~ (mark.head if mark.kind == 'snapshot' else 'cast(null as bigint)') ~ ', '
            ~ (mark.head if mark.kind == 'batch' else 'cast(null as bigint)')
            ~ ", '" ~ build_id() ~ "')"
        ) -%}
    {%- endfor -%}
    {%- if is_build() and graph.queries is defined and model.config.materialized in ('incremental', 'view') -%}
        {%- set query = query_mark() -%}
        {%- if graph.queries.get(this.identifier) != query -%}
            {%- do rows.append(
                "('" ~ this.identifier ~ "', '(query)', '" ~ query ~ "', cast(null as bigint), cast(null as bigint), '" ~ build_id() ~ "')"
            ) -%}
            {#- The models of this run that read this view see it there. -#}
            {%- if model.config.materialized == 'view' -%}{%- do graph.queries.update({this.identifier: query}) -%}{%- endif -%}
        {%- endif -%}
    {%- endif -%}
    {#- After a MERGE this is the model's own last statement, and the post-hook has nothing left to do. -#}
    {%- if rows and load_result('offsets recorded') is none -%}
        {%- do store_result('offsets recorded', response='') -%}
        insert into {{ ops_relation('consumed') }} (model, input, table_uuid, snapshot_id, batch, build)
        select * from (values {{ rows | join(', ') }}) as taken (model, input, table_uuid, snapshot_id, batch, build)
    {%- endif -%}
{% endmacro %}
