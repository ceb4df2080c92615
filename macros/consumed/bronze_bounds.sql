{% macro bronze_bounds() %}
    {%- set bronze = only_source() -%}
    {%- set partitions = '"' ~ bronze.schema ~ '"."' ~ bronze.identifier ~ '$partitions"' -%}
    {%- do refuse_hidden_batches(bronze, partitions) -%}
    {{ return(offsets(bronze, '', 'select max(batch) from ' ~ partitions)) }}
{% endmacro %}
