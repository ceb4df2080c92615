{% macro bronze_bounds() %}
    {%- set bronze = only_source() -%}
    {%- set partitions = '"' ~ bronze.schema ~ '"."' ~ bronze.identifier ~ '$partitions"' -%}
    {%- do refuse_hidden_batches(bronze, partitions) -%}
    {#- What was taken in stays taken in when retention has let the newest batches go: the offset never falls back. -#}
    {{ return(offsets(bronze, '', 'select greatest(coalesce(max(batch), 0), (select consumed from taken)) from ' ~ partitions)) }}
{% endmacro %}
