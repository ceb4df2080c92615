{% macro struct_fields(fields) %}
    {%- set found, reading = [], namespace(depth=0, field='') -%}
    {%- for character in fields ~ ',' -%}
        {%- if character == ',' and reading.depth == 0 -%}
            {%- do found.append(reading.field.split(':', 1)) -%}
            {%- set reading.field = '' -%}
        {%- else -%}
            {%- set reading.depth = reading.depth + (character in '<(') | int - (character in '>)') | int -%}
            {%- set reading.field = reading.field ~ character -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
