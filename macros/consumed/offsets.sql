{% macro offsets(input, table_uuid, head) %}
    {%- if not execute or flags.WHICH in ('compile', 'generate', 'show') -%}
        {{ return({'table_uuid': '', 'head': 0, 'consumed': 0}) }}
    {%- endif -%}
    {#- The answer is kept: a second call in one model must see the same head. -#}
    {%- set name = 'offsets of ' ~ input -%}
    {%- if load_result(name) is none -%}
        {%- call statement(name, fetch_result=True) -%}
            select
                coalesce(({{ head }}), 0) as head,
                coalesce(max_by(coalesce(batch, snapshot_id), build), 0) as consumed
            from {{ consumed_relation() }}
            where model = '{{ this.identifier }}'
                and input = '{{ input.schema }}.{{ input.identifier }}'
                and table_uuid = '{{ table_uuid }}'
        {%- endcall -%}
    {%- endif -%}
    {%- set row = load_result(name).table.rows[0] -%}
    {%- set from_start = var('rebuild', false) or not is_incremental() -%}
    {{ return({
        'table_uuid': table_uuid,
        'head': row[0] | int,
        'consumed': 0 if from_start else row[1] | int,
    }) }}
{% endmacro %}
