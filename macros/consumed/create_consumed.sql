{% macro create_consumed() %}
    {%- if is_build() -%}
        {%- set consumed = consumed_relation() -%}
        {#- A deployment has made it, and its role may make none. -#}
        {%- if not adapter.check_schema_exists(consumed.database, consumed.schema) -%}
            {%- do run_query('create schema if not exists ' ~ consumed.without_identifier().render_hive()) -%}
        {%- endif -%}
        create external table if not exists {{ consumed.render_hive() }} (
            `model` string,
            `input` string,
            `table_uuid` string,
            `snapshot_id` bigint,
            `batch` bigint,
            `build` string
        )
        stored as parquet
        location '{{ target.s3_data_dir.rstrip('/') }}/{{ consumed.schema }}/consumed/'
    {%- endif -%}
{% endmacro %}
