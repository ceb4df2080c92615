{% macro differing_rows(staged) -%}
    {%- set given = config.get('unique_key') -%}
    {%- set keys = [given] if given is string else given -%}
    (
        select
            {%- for column in keys %}
            coalesce(fresh.{{ column }}, held.{{ column }}) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ staged }} as fresh
        full outer join {{ this }} as held on {{ same_key('fresh', 'held', keys) }}
        where {{ differs('fresh', 'held', contract_columns().keys() | list) }}
    ) as differing
{%- endmacro %}
