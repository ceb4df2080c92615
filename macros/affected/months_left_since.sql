{% macro months_left_since(flat, bounds) %}
    {%- set found = ask_once(
        'select distinct _months_left from ' ~ flat ~ ' for version as of ' ~ bounds.head
        ~ " where _build >= '" ~ bounds.since ~ "' and _months_left is not null"
    ) -%}
    {%- set months = [] -%}
    {%- for row in found.rows -%}
        {%- for month in row[0].split(',') -%}{%- do months.append(month | int) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(months) }}
{% endmacro %}
