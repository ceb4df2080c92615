{% macro sent_rows(relation, columns, keys, floor) -%}
    {%- set types = contract_columns() -%}
    {%- set gone = "(_op = 'delete' or _seq < '" ~ floor.place ~ "')" if floor.place else "_op = 'delete'" -%}
    {#- Rows below a floor that has just risen are deleted by its batch, whichever batch they came in: models find them there. -#}
    {%- set batch = "case when _seq < '" ~ floor.place ~ "' then " ~ floor.batch ~ " else batch end" if floor.rose else 'batch' -%}
    {%- set emptied -%}
        {%- for column in columns %}
        {{ column if column in keys else 'cast(null as ' ~ query_type(types[column].data_type) ~ ') as ' ~ column }},
        {%- endfor %}
    {%- endset -%}
    select
        {%- for column in columns %}
        {%- set value = sent_value(column, types[column].data_type) %}
        {#- A tombstone keeps nothing but its key. #}
        {%- set kept = value if column in keys else 'case when not ' ~ gone ~ ' then ' ~ value ~ ' end' %}
        {{ kept }}{{ ' as ' ~ column if kept != column }},
        {%- endfor %}
        _seq, _rev, {{ gone }} as _deleted, {{ batch }} as _batch, false as _yields
    from {{ relation }}
    union all
    -- A key that changed leaves a tombstone under its old value.
    select
        {%- for column in columns %}
        {%- set type = query_type(types[column].data_type) %}
        cast({{ key_before(column, type) if column in keys else 'null' }} as {{ type }}) as {{ column }},
        {%- endfor %}
        _seq, _rev, true as _deleted, batch as _batch, false as _yields
    from {{ relation }}
    where _key_before is not null
    {%- if floor.rose and has_table() %}
    union all
    -- The floor has risen above these rows of the table: they become tombstones in their place.
    select
        {{- emptied }}
        _seq, _rev, true as _deleted, cast({{ floor.batch }} as bigint) as _batch, false as _yields
    from {{ this }}
    where _seq < '{{ floor.place }}' and not _deleted
    {%- endif %}
    {%- if from_start() and has_table() %}
    union all
    -- Tombstones of the table lose what an older version kept in them, even if bronze no longer has their deletes.
    -- They yield to what is sent in the same place: a reconciliation compares the table with that.
    select
        {{- emptied }}
        _seq, _rev, true as _deleted, _batch, true as _yields
    from {{ this }}
    where _deleted
    {%- endif %}
{%- endmacro %}
