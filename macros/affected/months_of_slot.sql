{% macro months_of_slot(slot, first, last) %}
    {%- set months = [] -%}
    {%- for year in range(first // 100, last // 100 + 1) if slot -%}
        {%- for month in range(year * 100 + 1, year * 100 + 13)
            if first <= month <= last and slot_of(month) == slot | int -%}
            {%- do months.append(month) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(months) }}
{% endmacro %}
