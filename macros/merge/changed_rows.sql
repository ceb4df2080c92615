{% macro changed_rows(relation, key, ignore=[]) -%}
    {%- set columns = contract_columns().keys() | reject('in', ignore) | list -%}
    select fresh.*
    from {{ relation }} as fresh
    {%- if is_incremental() %}
    left join {{ this }} as held on {{ same_key('fresh', 'held', [key]) }}
    where {{ differs('fresh', 'held', columns) }}
    {%- endif %}
{%- endmacro %}
