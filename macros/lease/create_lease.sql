{% macro create_lease() %}
    {#- Two first builds may both get past this; the one that takes the lease first inserts the only row. -#}
    {%- if takes_lease() and adapter.get_glue_table(ops_relation('lease')) is none -%}
        create table if not exists {{ ops_relation('lease').render_hive() }} (
            `holder` string,
            `who` string,
            `fenced` string,
            `taken_at` bigint,
            `renewed_at` bigint
        )
        location '{{ target.s3_data_dir.rstrip('/') }}/{{ ops_relation('lease').schema }}/lease/'
        tblproperties ('table_type' = 'ICEBERG', 'format' = 'parquet')
    {%- endif -%}
{% endmacro %}
