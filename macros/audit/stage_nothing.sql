{% macro stage_nothing(relation, compiled_code) %}
    {%- set expected, found = {}, {} -%}
    {%- set asked -%}
        select
            {%- for name in model.columns %}
            typeof(arbitrary("{{ name }}")) as type_{{ loop.index }},
            {%- endfor %}
            {{ lease_column() }} as silent
        from (
            {{ compiled_code }}
        ) where false
    {%- endset -%}
    {%- set answer = run_query(asked).rows[0].values() -%}
    {%- do keep_lease(relation, answer[-1]) -%}
    {%- for column, type in zip(model.columns.values(), answer) -%}
        {%- do expected.update({column.name: plain_query_type(query_type(column.data_type))}) -%}
        {%- do found.update({column.name: plain_query_type(type)}) -%}
    {%- endfor -%}
    {%- do refuse_other_columns(columns_differ(expected, found)) -%}
    {%- do store_result('rows staged', response=0) -%}
    {%- do drop_failures() -%}
{% endmacro %}
