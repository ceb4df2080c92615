{% macro compact_consumed() %}
    {%- set consumed = ops_relation('consumed') -%}
    {%- set compacted = consumed.incorporate(path={'identifier': 'consumed__compacted'}) -%}
    {%- set held = adapter.get_glue_table(consumed)['Table']['StorageDescriptor']['Location'].rstrip('/') -%}
    {%- set place = target.s3_data_dir.rstrip('/') ~ '/' ~ consumed.schema ~ '/consumed-' ~ build_id() | trim -%}
    {#- Drop only the catalog entry: after a crash, `ops.consumed` may already point to its data. -#}
    {%- set forget = 'drop table if exists ' ~ compacted.render_hive() -%}
    {%- do run_query(forget) -%}
    {%- set latest -%}
        create table {{ compacted }} with (format = 'parquet', external_location = '{{ place }}/') as
        select model, input, table_uuid, snapshot_id, batch, build
        from (
            select
                *,
                row_number() over (partition by model, input, table_uuid order by build desc) as age,
                row_number() over (partition by model, input, table_uuid order by batch desc nulls last) as place
            from {{ consumed }}
        ) as numbered
        where age = 1 or place = 1
    {%- endset -%}
    {%- do run_query(latest) -%}
    {%- do run_query('alter table ' ~ consumed.render_hive() ~ " set location '" ~ place ~ "/'") -%}
    {%- do run_query(forget) -%}
    {%- do adapter.delete_from_s3(held ~ '/') -%}
{% endmacro %}
