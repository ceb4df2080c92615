{% macro bronze_bounds() %}
    {%- set bronze = only_source() -%}
    {%- set partitions = '"' ~ bronze.schema ~ '"."' ~ bronze.identifier ~ '$partitions"' -%}
    {%- do refuse_hidden_batches(bronze, partitions) -%}
    {#- What was taken in stays taken in when retention has let the newest batches go: the offset never falls back. -#}
    {%- set bounds = offsets(bronze, '', 'select consumed from taken') -%}
    {%- if is_build() and not var('reconcile', false) -%}
        {#- A statement of its own, for the sake of a literal: the catalog gives what is new, not a batch for each five minutes. -#}
        {%- set newest = 'select max(batch) from ' ~ partitions ~ ' where batch > ' ~ bounds.head -%}
        {%- do bounds.update({'head': [ask_once('newest of ' ~ bronze, newest).rows[0][0] | int, bounds.head] | max}) -%}
    {%- endif -%}
    {{ return(bounds) }}
{% endmacro %}
