{% macro create_consumed() %}
    {%- if is_build() -%}
        {%- set consumed = ops_relation('consumed') -%}
        {#- A deployment creates the schema, and the role of a build may not be allowed to. -#}
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
