{% macro changed_groups(relation, key) -%}
    {%- set columns = contract_columns().keys() | list -%}
    {%- if is_incremental() -%}
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
    full outer join {{ this }} as held on {{ same_key('fresh', 'held', key) }}
    where {{ differs('fresh', 'held', columns) }}
    {%- else -%}
    select * from {{ relation }}
    {%- endif -%}
{%- endmacro %}
