{% macro get_assert_columns_equivalent(sql) %}
    {#- For a table, the audit compares the staged columns without a further statement. A view stages nothing. -#}
    {%- set differences = contract_query_differs(sql) if config.get('materialized') == 'view' else '' -%}
    {%- if differences -%}
        {%- do exceptions.raise_compiler_error(
            'The contract of ' ~ this ~ ' is broken; the view was not changed. Cast in its select, or change the contract:\n'
            ~ differences
        ) -%}
    {%- endif -%}
{% endmacro %}
