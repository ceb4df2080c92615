{% macro record_consumed() %}
    {%- set pattern = '/\* consumes (\S+) of "(\S*)": (batch|snapshot) (\d+) after (\d+) \*/' -%}
    {%- set rows = [] -%}
    {%- for input, table_uuid, kind, head, consumed in modules.re.findall(pattern, model.compiled_code or '') if head != consumed -%}
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
