{% macro record_consumed() %}
    {%- set pattern = '/[*] consumes ([^ ]+) of "([^"]*)": (batch|snapshot) ([0-9]+) after ([0-9]+) [*]/' -%}
    {%- set rows = [] -%}
    {%- set found = [] if var('reconcile', false) else modules.re.findall(pattern, model.compiled_code or '') -%}
    {%- for input, table_uuid, kind, head, consumed in found if head != consumed -%}
        {%- do rows.append(
            "('" ~ this.identifier ~ "', '" ~ input ~ "', '" ~ table_uuid ~ "', "
            ~ (head if kind == 'snapshot' else 'null') ~ ', ' ~ (head if kind == 'batch' else 'null')
            ~ ", '" ~ build_id() ~ "')"
        ) -%}
    {%- endfor -%}
    {%- if rows -%}
        insert into {{ consumed_relation() }} (model, input, table_uuid, snapshot_id, batch, build)
        values {{ rows | unique | join(', ') }}
    {%- endif -%}
{% endmacro %}
