{% macro iceberg_uuid(input) %}
    {%- set entry = adapter.get_glue_table(input) -%}
    {%- if entry is none -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' reads ' ~ input ~ ', which does not exist yet: publish a first batch of it (dm ingest run)'
        ) -%}
    {%- endif -%}
    {#- A table's location ends in a fresh uuid (s3_data_naming) and a rename keeps it. -#}
    {%- set location = entry['Table']['StorageDescriptor']['Location'].rstrip('/') -%}
    {%- set is_iceberg = entry['Table']['Parameters'].get('table_type', '') | lower == 'iceberg' -%}
    {{ return(location.split('/')[-1] if is_iceberg else '') }}
{% endmacro %}
