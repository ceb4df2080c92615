{% macro record_consumed() %}
    {%- set pattern = '/[*] consumes ([^ ]+) of "([^"]*)": (batch|snapshot) ([0-9]+) after ([0-9]+) [*]/' -%}
    {%- set rows = [] -%}
    {%- set found = [] if var('reconcile', false) else modules.re.findall(pattern, model.compiled_code or '') -%}
    {%- for input, table_uuid, kind, head, consumed in found if head != consumed -%}
        {%- do rows.append(
            "('" ~ this.identifier ~ "', '" ~ input ~ "', '" ~ table_uuid ~ "', "
            ~ (head if kind == 'snapshot' else 'cast(null as bigint)') ~ ', '
            ~ (head if kind == 'batch' else 'cast(null as bigint)')
            ~ ", '" ~ build_id() ~ "')"
        ) -%}
    {%- endfor -%}
    {#- After a MERGE it is the last statement of the model itself, and the post-hook finds it done. -#}
    {%- if rows and load_result('offsets recorded') is none -%}
        {%- do store_result('offsets recorded', response='') -%}
        insert into {{ consumed_relation() }} (model, input, table_uuid, snapshot_id, batch, build)
        select * from (values {{ rows | unique | join(', ') }}) as taken (model, input, table_uuid, snapshot_id, batch, build)
    {%- endif -%}
{% endmacro %}
