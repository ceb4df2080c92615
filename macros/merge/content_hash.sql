{% macro content_hash(columns, alias) -%}
    md5(to_utf8(
        {%- for column in columns %}
        {%- set text = 'cast(' ~ alias ~ '.' ~ column ~ ' as varchar)' %}
        coalesce(cast(length({{ text }}) as varchar) || ':' || {{ text }}, '-'){{ ' ||' if not loop.last }}
        {%- endfor %}
    ))
{%- endmacro %}
