{% macro latest_by_sequence(relation, key) -%}
    {%- set types = contract_columns() -%}
    {%- set columns = types.keys() | reject('in', ['_seq', '_rev', '_deleted', '_batch']) | list -%}
    select ranked.*
    from (
        select
            placed.*,
            row_number() over (
                partition by placed.{{ key }}
                order by placed._seq desc, placed._rev desc, placed._hash desc, placed._batch asc
            ) as _rank
        from (
            -- Hashing every row would take far longer than all the rest: only rows that share a place need it.
            select
                events.*,
                case
                    when count(*) over (partition by events.{{ key }}, events._seq, events._rev) > 1
                        then {{ content_hash(columns + ['_deleted'], 'events') }}
                end as _hash
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
        ) as placed
    ) as ranked
    {%- if is_incremental() %}
    left join {{ this }} as held on ranked.{{ key }} = held.{{ key }}
    {%- endif %}
    where ranked._rank = 1
    {%- if is_incremental() %}
        -- A row that would lose is dropped here, before any check sees it.
        and (held.{{ key }} is null or {{ beats('ranked', 'held', columns + ['_deleted']) }})
    {%- endif %}
{%- endmacro %}
