{% macro create_lease() %}
    {#- Of two first builds at once both go on from here. The one row comes with who takes the lease first. -#}
    {%- if takes_lease() and adapter.get_glue_table(lease_relation()) is none -%}
        create table if not exists {{ lease_relation().render_hive() }} (
            `holder` string,
            `who` string,
            `fenced` string,
            `taken_at` bigint,
            `renewed_at` bigint
        )
        location '{{ target.s3_data_dir.rstrip('/') }}/{{ lease_relation().schema }}/lease/'
        tblproperties ('table_type' = 'ICEBERG', 'format' = 'parquet')
    {%- endif -%}
{% endmacro %}
