{% macro iceberg_uuid(table) %}
    {%- set entry = adapter.get_glue_table(table) -%}
    {%- if entry is none -%}{{ return('') }}{%- endif -%}
    {#- A table's location ends in a fresh uuid (s3_data_naming), and a rename keeps it. -#}
    {{ return(entry['Table']['StorageDescriptor']['Location'].rstrip('/').split('/')[-1]) }}
{% endmacro %}
