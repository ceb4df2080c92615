{% macro contract_columns_differ(staged) %}
    {%- set found = {} -%}
    {%- for column in adapter.get_columns_in_relation(staged) -%}
        {%- do found.update({column.column: plain_type(column.dtype)}) -%}
    {%- endfor -%}
    {%- set expected = {} -%}
    {%- for column in model.columns.values() -%}
        {%- do expected.update({column.name: plain_type(column.data_type)}) -%}
    {%- endfor -%}
    {%- if found == expected and found | list == expected | list -%}{{ return('') }}{%- endif -%}
    {%- set lines = ['| column | the contract says | the model gives |', '|---|---|---|'] -%}
    {%- for name in expected if found[name] != expected[name] -%}
        {%- do lines.append('| ' ~ name ~ ' | ' ~ expected[name] ~ ' | ' ~ found.get(name, 'no such column') ~ ' |') -%}
    {%- endfor -%}
    {%- for name in found if name not in expected -%}
        {%- do lines.append('| ' ~ name ~ ' | no such column | ' ~ found[name] ~ ' |') -%}
    {%- endfor -%}
    {%- if lines | length == 2 -%}
        {%- do lines.append('| order | ' ~ expected | join(', ') ~ ' | ' ~ found | join(', ') ~ ' |') -%}
    {%- endif -%}
    {{ return(lines | join('\n')) }}
{% endmacro %}
