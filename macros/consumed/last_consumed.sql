{% macro last_consumed(input, table_uuid) %}
    {%- set name = input.schema ~ '.' ~ input.identifier -%}
    {#- Only a build writes offsets, so it reads all of them when it starts. A reconciliation runs beside builds. -#}
    {%- if not var('reconcile', false) -%}
        {{ return(graph.offsets.get((this.identifier, name, table_uuid), 0)) }}
    {%- endif -%}
    {%- for row in ask_once(newest_offsets(this.identifier)).rows if row[1] == name and (row[2] or '') == table_uuid -%}
        {{ return(row[3] | int) }}
    {%- endfor -%}
    {{ return(0) }}
{% endmacro %}
