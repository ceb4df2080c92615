{% macro contract_query_differs(sql) %}
    {%- set found, expected, inner = {}, {}, [] -%}
    {%- for column in get_column_schema_from_query(sql) -%}
        {%- do found.update({column.column: column.dtype | lower}) -%}
    {%- endfor -%}
    {%- for column in model.columns.values() -%}
        {%- do expected.update({column.name: plain_query_type(query_type(column.data_type))}) -%}
        {%- if '(' in expected[column.name] and column.name in found -%}{%- do inner.append(column.name) -%}{%- endif -%}
    {%- endfor -%}
    {#- The columns of a result only have broad types; the query itself has to return the full type as text. -#}
    {%- if inner -%}
        {%- set types = run_query(
            'select typeof(arbitrary("' ~ inner | join('")), typeof(arbitrary("') ~ '")) from (' ~ sql ~ ') where false'
        ).rows[0].values() -%}
        {%- for name, type in zip(inner, types) -%}
            {%- do found.update({name: plain_query_type(type)}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(columns_differ(expected, found)) }}
{% endmacro %}
