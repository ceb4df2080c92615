{% macro years_of(months) %}
    {%- set years = [] -%}
    {%- for month in months -%}{%- do years.append(month // 100) -%}{%- endfor -%}
    {{ return(years | unique | join(', ') or 0) }}
{% endmacro %}
