{% macro from_microseconds(microseconds) -%}
    {#- Counted from the year 1, so that nothing is negative. Athena cannot add microseconds, or more than 32 bits of any unit. -#}
    {%- set since = microseconds ~ ' + 62135596800000000' -%}
    cast(cast(date_add('second', mod({{ since }}, 86400000000) / 1000000, date_add(
        'day', ({{ since }}) / 86400000000, timestamp '0001-01-01 00:00:00'
    )) as varchar) || '.' || lpad(cast(mod({{ since }}, 1000000) as varchar), 6, '0') as timestamp(6))
{%- endmacro %}
