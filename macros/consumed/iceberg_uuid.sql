{% macro iceberg_uuid(table) %}
    {%- set entry = adapter.get_glue_table(table) -%}
    {%- if entry is none -%}{{ return('') }}{%- endif -%}
    {#- A table's location ends in a new uuid (s3_data_naming), which a rename keeps. -#}
    {{ return(entry['Table']['StorageDescriptor']['Location'].rstrip('/').split('/')[-1]) }}
{% endmacro %}
