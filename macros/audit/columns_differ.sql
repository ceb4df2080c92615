{% macro columns_differ(expected, found) %}
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
