{% macro content_hash(columns, alias) -%}
    to_hex(md5(to_utf8({{ "''" if not columns }}
        {%- for column in columns %}
        {%- set value = alias ~ '.' ~ column -%}
        {%- set type = contract_columns()[column].data_type | default('string') | lower -%}
        {%- if '<' in type -%}
            {%- set text = 'json_format(cast(' ~ without_binary(value, type) ~ ' as json))' -%}
        {%- elif type == 'binary' -%}
            {%- set text = 'to_base64(' ~ value ~ ')' -%}
        {%- else -%}
            {%- set text = 'cast(' ~ value ~ ' as varchar)' -%}
        {%- endif %}
        coalesce(cast(length({{ text }}) as varchar) || ':' || {{ text }}, '-'){{ ' ||' if not loop.last }}
        {%- endfor %}
    )))
{%- endmacro %}
