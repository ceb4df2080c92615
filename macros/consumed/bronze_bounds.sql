{% macro bronze_bounds() %}
    {%- set bronze = only_source() -%}
    {%- set partitions = '"' ~ bronze.schema ~ '"."' ~ bronze.identifier ~ '$partitions"' -%}
    {%- do refuse_hidden_batches(bronze, partitions) -%}
    {#- The offset never falls back, even if retention has removed the newest batches. -#}
    {%- set bounds = offsets(bronze, '', 'select consumed from taken') -%}
    {%- if is_build() and not var('reconcile', false) -%}
        {#- A separate statement, so that the bound is a literal: the catalog then lists only new partitions, not all of them. -#}
        {%- set newest = 'select max(batch) from ' ~ partitions ~ ' where batch > ' ~ bounds.head -%}
        {%- do bounds.update({'head': [ask_once('newest of ' ~ bronze, newest).rows[0][0] | int, bounds.head] | max}) -%}
    {%- endif -%}
    {{ return(bounds) }}
{% endmacro %}
