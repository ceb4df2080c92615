{% macro source_columns() %}
    {%- set names = [] -%}
    {%- if not is_unit_test() -%}
        {#- dbt's graph has them from the contracts, so there is no need to query the catalog. -#}
        {%- for table in graph.sources.values() if [table.source_name, table.name] in model.sources -%}
            {%- do names.extend(table.columns) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names) }}
{% endmacro %}
