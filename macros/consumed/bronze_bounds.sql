{% macro bronze_bounds() %}
    {%- set bronze = only_source() -%}
    {%- if not is_build() -%}{{ return(bounds_of(bronze)) }}{%- endif -%}
    {%- set partitions = '"' ~ bronze.schema ~ '"."' ~ bronze.identifier ~ '$partitions"' -%}
    {%- do refuse_hidden_batches(bronze, partitions) -%}
    {%- if var('reconcile', false) -%}{{ return(bounds_of(bronze)) }}{%- endif -%}
    {%- set consumed = last_consumed(bronze, '') -%}
    {#- The bound is a literal, so that the catalog lists only new partitions, not all of them. -#}
    {%- set newest = ask_once('select max(batch) from ' ~ partitions ~ ' where batch > ' ~ consumed).rows[0][0] -%}
    {#- The offset never falls back, even if retention has removed the newest batches. -#}
    {{ return(bounds_of(bronze, head=[newest | int, consumed] | max)) }}
{% endmacro %}
