{% macro read_consumed() %}
    {%- if takes_lease() -%}
        {%- set offsets, queries = {}, {} -%}
        {%- for model, input, table_uuid, offset in run_query(newest_offsets()).rows -%}
            {%- if input == '(query)' -%}
                {%- do queries.update({model: table_uuid}) -%}
            {%- else -%}
                {#- dbt reads an empty text, the table_uuid of bronze, as none. -#}
                {%- do offsets.update({(model, input, table_uuid or ''): offset | int}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do graph.update({'offsets': offsets, 'queries': queries}) -%}
    {%- endif -%}
{% endmacro %}
