{% macro changed_rows(relation, key, ignore=[], also={}) -%}
    {%- set columns = contract_columns().keys() | reject('in', ignore) | list -%}
    {%- set held_columns = table_columns() if has_table() else [] -%}
    select
        {% if has_table() or not columns %}fresh.*{% else %}{{ qualified('fresh', columns) }}{% endif %}
        {%- for column, expression in also.items() %},
        {{ expression if column in held_columns else 'null' }} as {{ column }}
        {%- endfor %}
    from {{ relation }} as fresh
    {%- if has_table() %}
    left join {{ this }} as held on {{ same_key('fresh', 'held', [key] if key is string else key) }}
    where {{ differs('fresh', 'held', columns, contract_columns()) }}
    {%- endif %}
{%- endmacro %}
