{% macro create_lease() %}
    {#- Of two first builds at once, the catalog lets one create the table, and the other stops here. -#}
    {%- if takes_lease() and adapter.get_glue_table(lease_relation()) is none -%}
        create table {{ lease_relation() }} with (
            table_type = 'iceberg', is_external = false, format = 'parquet',
            location = '{{ target.s3_data_dir.rstrip('/') }}/{{ lease_relation().schema }}/lease/'
        ) as
        select
            cast('' as varchar) as holder,
            cast('' as varchar) as who,
            cast('' as varchar) as fenced,
            cast(0 as bigint) as taken_at,
            cast(0 as bigint) as renewed_at
    {%- endif -%}
{% endmacro %}
