{% macro duplicate_count(columns, staged, merges) %}
    select count(*)
    from (
        select 1 as one
        from (
            select {{ columns | join(', ') }} from {{ staged }} where {{ visible_rows(merges) }}
            {%- if merges %}
            union all
            select {{ qualified('held', columns) }}
            from {{ this }} as held
            left join {{ staged }} as fresh on {{ same_key('fresh', 'held', contract_key()) }}
            where fresh.{{ contract_key()[0] }} is null
                {{- ' and not held._deleted' if '_deleted' in model.columns }}
            {%- endif %}
        ) as kept
        where {{ columns | join(' is not null and ') }} is not null
        group by {{ columns | join(', ') }}
        having count(*) > 1
    ) as doubles
{%- endmacro %}
