{% macro without_binary(value, type, depth=0) -%}
    {%- set spelled = modules.re.sub('\\s+', '', type | lower) -%}
    {%- if not modules.re.search('\\bbinary\\b(?!:)', spelled) -%}
        {{ value }}
    {%- elif '<' not in spelled -%}
        to_base64({{ value }})
    {%- else -%}
        {%- set kind, inner = spelled[:-1].split('<', 1) -%}
        {%- set item = 'item_' ~ depth -%}
        {%- if kind == 'array' -%}
            transform({{ value }}, {{ item }} -> {{ without_binary(item, inner, depth + 1) }})
        {%- elif kind == 'map' -%}
            transform_values({{ value }}, (key_{{ depth }}, {{ item }}) -> {{ without_binary(item, inner.split(',', 1)[1], depth + 1) }})
        {%- else -%}
            case when {{ value }} is not null then cast(row(
            {%- for name, part in struct_fields(inner) -%}
                {{ without_binary(value ~ '."' ~ name ~ '"', part, depth) }}{{ ', ' if not loop.last }}
            {%- endfor -%}
            ) as {{ query_type(modules.re.sub('\\bbinary\\b(?!:)', 'string', spelled)) }}) end
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
