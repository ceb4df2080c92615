{% macro affected_rows(flat) -%}
    {%- set months = affected_months(flat) -%}
    select * from {{ at_start(flat) }}
    where not _deleted
    {%- if months is none %}
        and _month is not null
    {%- else %}
        and _slot in ({{ slots_of(months) }})
        and _month in ({{ months | join(', ') or 0 }})
    {%- endif %}
{%- endmacro %}
