{% macro get_fixture_sql(rows, column_name_to_data_types) %}
    {#- dbt's own macro knows only the columns that the table has now. Here, columns that the contract adds come after them; without a
        table, all columns come from the contract. -#}
    {%- set there = defer_relation if defer_relation and not load_relation(this) else this -%}
    {%- set types = {} -%}
    {%- for column in adapter.get_columns_in_relation(there) -%}
        {%- do types.update({column.name | lower: column.data_type}) -%}
    {%- endfor -%}
    {%- for name, column in model.columns.items() if name not in types and column.data_type -%}
        {%- do types.update({name: query_type(column.data_type)}) -%}
    {%- endfor -%}
    {%- if not types -%}
        {%- do exceptions.raise_compiler_error(
            'The unit test gives rows of ' ~ this ~ ', whose columns neither a contract nor the catalog knows: build it first,'
            ~ ' or give the rows as SQL (format: sql)'
        ) -%}
    {%- endif -%}
    {%- set nothing = {} -%}
    {%- for name, type in types.items() -%}
        {%- do nothing.update({name: safe_cast('null', type) | trim}) -%}
    {%- endfor -%}
    {%- for row in rows or [{}] %}
    select
        {%- for name, value in dict(nothing, **format_row(row, types)).items() %}
        {{ value }} as "{{ name }}"{{ ',' if not loop.last }}
        {%- endfor %}
        {%- if not rows %} limit 0{% elif not loop.last %} union all{% endif %}
    {%- endfor %}
{%- endmacro %}
