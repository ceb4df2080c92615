{% macro refuse_other_types() %}
    {%- set lines = [] -%}
    {%- for column in retyped_columns() if not column.wider -%}
        {%- do lines.append('| ' ~ column.name ~ ' | ' ~ column.before ~ ' | ' ~ column.after ~ ' |') -%}
    {%- endfor -%}
    {%- if lines -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' has columns of other types than its contract; nothing was published and readers keep the old data. Athena'
            ~ ' changes a type in place only from int to bigint, from float to double, and to a decimal of more digits before'
            ~ ' the point: keep the type, or give the column a new name and end the old one\n'
            ~ '| column | the table has | the contract says |\n|---|---|---|\n' ~ lines | join('\n')
        ) -%}
    {%- endif -%}
{% endmacro %}
