{% macro latest_by_sequence(relation, key, events=none) -%}
    {%- set types = contract_columns() -%}
    {%- set keys = [key] if key is string else key -%}
    {%- set columns = types.keys() | reject('in', ['_seq', '_rev', '_deleted', '_batch']) | list -%}
    {%- set content = columns | reject('in', keys) | list -%}
    {%- set floor = floor_of(events) -%}
    select ranked.*
    from (
        select
            {{ columns | join(', ') }},
            _seq, _rev, {% if floor.place %}_gone or _seq < '{{ floor.place }}'{% else %}_gone{% endif %} as _deleted, _batch,
            row_number() over (
                partition by {{ keys | join(', ') }}
                order by _seq desc, _rev desc, _hash desc, _batch asc
            ) as _rank
        from (
            -- Hashing every row would take far longer than all the rest: only rows that share a place need it.
            select
                sent.*,
                case
                    when count(*) over (partition by {{ qualified('sent', keys) }}, sent._seq, sent._rev) > 1
                        then {{ content_hash(content, 'sent', 'sent._gone') }}
                end as _hash
            from (
                select
                    {%- for column in columns %}
                    {{ sent_value(column, types[column].data_type) }},
                    {%- endfor %}
                    _seq, _rev, _op = 'delete' as _gone, batch as _batch
                from {{ relation }}
                union all
                -- A key that changed leaves its old key as a tombstone.
                select
                    {%- for column in columns %}
                    {%- set type = query_type(types[column].data_type) %}
                    cast({{ key_before(column, type) if column in keys else 'null' }} as {{ type }}) as {{ column }},
                    {%- endfor %}
                    _seq, _rev, true as _gone, batch as _batch
                from {{ relation }}
                where _key_before is not null
                {%- if floor.rose and is_incremental() %}
                union all
                -- The floor has risen over these rows: they become tombstones where they stand.
                select
                    {%- for column in columns %}
                    {{ column if column in table_columns() else 'cast(null as ' ~ query_type(types[column].data_type) ~ ') as ' ~ column }},
                    {%- endfor %}
                    _seq, _rev, true as _gone, cast({{ floor.batch }} as bigint) as _batch
                from {{ this }}
                where _seq < '{{ floor.place }}' and not _deleted
                {%- endif %}
            ) as sent
        ) as placed
    ) as ranked
    {%- if is_incremental() %}
    left join {{ this }} as held on {{ same_key('ranked', 'held', keys) }}
    {%- endif %}
    where ranked._rank = 1
    {%- if is_incremental() %}
        -- A row that would lose is dropped here, before any check sees it.
        and (held.{{ keys[0] }} is null or {{ beats('ranked', 'held', content) }})
    {%- endif %}
{%- endmacro %}
