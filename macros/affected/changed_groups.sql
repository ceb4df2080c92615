{% macro changed_groups(relation, key, flat) -%}
    {%- set columns = contract_columns().keys() | list -%}
    {%- if is_incremental() -%}
    {%- set months = affected_months(flat) -%}
    with held as (
        select * from {{ this }}
        {%- if months is not none %}
        where review_year in ({{ years_of(months) }})
            and review_year * 100 + review_month in ({{ months | join(', ') or 0 }})
        {%- endif %}
    )

    select
        {%- for column in columns %}
        {% if column in key -%}
            coalesce(fresh.{{ column }}, held.{{ column }}) as {{ column }}
        {%- elif column == 'review_count' -%}
            coalesce(fresh.review_count, 0) as review_count
        {%- else -%}
            fresh.{{ column }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }} as fresh
    full outer join held on {{ same_key('fresh', 'held', key) }}
    where {{ differs('fresh', 'held', columns) }}
    {%- else -%}
    select * from {{ relation }}
    {%- endif -%}
{%- endmacro %}
