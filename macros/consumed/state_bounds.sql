{% macro state_bounds(state) %}
    {#- From the statistics of its files: what is no more in the table has been taken in before. -#}
    {%- set head = 'select max(data._batch.max) from ' ~ metadata_table(state, 'partitions') -%}
    {{ return(offsets(state, iceberg_uuid(state) if execute else '', head)) }}
{% endmacro %}
