{% macro changed_groups(relation, key, count, flat=none, year=none, month=none) -%}
    {#- A group that no longer exists is staged with a count of 0. -#}
    {{- config(delete_condition='src.' ~ count ~ ' = 0', insert_condition='src.' ~ count ~ ' > 0') -}}
    {%- if flat is not none and not (year and month) -%}
        {%- do exceptions.raise_compiler_error(this ~ ': changed_groups with flat needs year and month of a group') -%}
    {%- endif -%}
    {%- set keys = [key] if key is string else key -%}
    {%- set columns = contract_columns().keys() | list -%}
    {%- if columns and count not in columns -%}
        {%- do exceptions.raise_compiler_error(this ~ ': changed_groups counts by ' ~ count ~ ', no column of the contract') -%}
    {%- endif -%}
    {%- if has_table() -%}
    {%- set months = affected_months(flat) if flat is not none else none -%}
    with held as (
        select * from {{ this }}
        {%- if months is not none %}
        where {{ year }} in ({{ years_of(months) }})
            and {{ year }} * 100 + {{ month }} in ({{ months | join(', ') or 0 }})
        {%- endif %}
    )

    select
        {%- for column in columns %}
        {% if column in keys -%}
            coalesce(fresh.{{ column }}, held.{{ column }}) as {{ column }}
        {%- elif column == count -%}
            coalesce(fresh.{{ column }}, 0) as {{ column }}
        {%- else -%}
            fresh.{{ column }}
        {%- endif %}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }} as fresh
    full outer join held on {{ same_key('fresh', 'held', keys) }}
    where {{ differs('fresh', 'held', columns, contract_columns()) }}
    {%- else -%}
    select {{ columns | join(', ') or '*' }} from {{ relation }}
    {%- endif -%}
{%- endmacro %}
