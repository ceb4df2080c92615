{% macro months_left(fresh, held) -%}
    {%- if '_month' not in table_columns() -%}
    {{ held }}._months_left
    {%- else -%}
    case
        when {{ held }}._month is null or {{ held }}._month = {{ fresh }}._month then {{ held }}._months_left
        else array_join(
            array_distinct(split(concat_ws(',', {{ held }}._months_left, cast({{ held }}._month as varchar)), ',')), ','
        )
    end
    {%- endif -%}
{%- endmacro %}
