{% macro latest_by_sequence(relation, key) -%}
    {%- set types = contract_columns() -%}
    {%- set columns = types.keys() | reject('in', ['_seq', '_rev', '_deleted', '_batch']) | list -%}
    select ranked.*
    from (
        select
            events.*,
            row_number() over (
                partition by events.{{ key }}
                order by
                    events._seq desc,
                    events._rev desc,
                    {{ content_hash(columns + ['_deleted'], 'events') }} desc,
                    events._batch asc
            ) as _place
        from (
            select
                {{ columns | join(', ') }},
                _seq, _rev, _op = 'delete' as _deleted, batch as _batch
            from {{ relation }}
            union all
            -- A key that changed leaves its old key as a tombstone.
            select
                {%- for column in columns %}
                {%- set type = dml_data_type(types[column].data_type) | trim | lower %}
                cast({{ "json_extract_scalar(_key_before, '$." ~ key ~ "')" if column == key else 'null' }} as {{ type }}) as {{ column }},
                {%- endfor %}
                _seq, _rev, true as _deleted, batch as _batch
            from {{ relation }}
            where _key_before is not null
        ) as events
    ) as ranked
    {%- if is_incremental() %}
    left join {{ this }} as held on ranked.{{ key }} = held.{{ key }}
    {%- endif %}
    where ranked._place = 1
    {%- if is_incremental() %}
        -- A row that would lose is dropped here, before any check sees it.
        and (
            held.{{ key }} is null
            or {{ beats('ranked', 'held', columns + ['_deleted']) }}
        )
    {%- endif %}
{%- endmacro %}
