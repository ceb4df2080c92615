{% macro content_hash(columns, alias, deleted) -%}
    to_hex(md5(to_utf8(
        {%- for column in columns %}
        {%- set text = 'cast(' ~ alias ~ '.' ~ column ~ ' as varchar)' %}
        coalesce(cast(length({{ text }}) as varchar) || ':' || {{ text }}, '-'){{ ' ||' if not loop.last }}
        {%- endfor %}
    ))) || case when {{ deleted }} then '1' else '0' end
{%- endmacro %}
