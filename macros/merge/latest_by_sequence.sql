{% macro latest_by_sequence(relation, key, events=none) -%}
    {%- set types = contract_columns() -%}
    {%- set keys = [key] if key is string else key -%}
    {%- set columns = types.keys() | reject('in', ['_seq', '_rev', '_deleted', '_batch']) | list -%}
    {%- set content = columns | reject('in', keys) | list -%}
    {%- set floor = floor_of(events) -%}
    {%- set gone = "(_op = 'delete' or _seq < '" ~ floor.place ~ "')" if floor.place else "_op = 'delete'" -%}
    {#- What a floor deletes that has risen was deleted by that batch, though it came in another: who looks for news finds it. -#}
    {%- set batch = "case when _seq < '" ~ floor.place ~ "' then " ~ floor.batch ~ " else batch end" if floor.rose else 'batch' -%}
    {#- What the table says itself yields to what is sent of the same place: a reconciliation judges the table by that. -#}
    {%- set again = from_start() and is_incremental() -%}
    select ranked.*
    from (
        select
            {{ columns | join(', ') }},
            _seq, _rev, _deleted, _batch,
            row_number() over (
                partition by {{ keys | join(', ') }}
                order by _seq desc, _rev desc, {{ '_again asc, ' if again }}_deleted desc, _hash desc, _batch asc
            ) as _rank
        from (
            -- Hashing every row would take far longer than all the rest: only rows that share a place need it.
            select
                sent.*,
                case
                    when count(*) over (partition by {{ qualified('sent', keys) }}, sent._seq, sent._rev) > 1
                        then {{ content_hash(content, 'sent') }}
                end as _hash
            from (
                select
                    {%- for column in columns %}
                    {%- set value = sent_value(column, types[column].data_type) %}
                    {#- A tombstone is its key and nothing else: who was deleted is not kept. #}
                    {%- set kept = value if column in keys else 'case when not ' ~ gone ~ ' then ' ~ value ~ ' end' %}
                    {{ kept }}{{ ' as ' ~ column if kept != column }},
                    {%- endfor %}
                    _seq, _rev, {{ gone }} as _deleted, {{ batch }} as _batch{{ ', false as _again' if again }}
                from {{ relation }}
                union all
                -- A key that changed leaves its old key as a tombstone.
                select
                    {%- for column in columns %}
                    {%- set type = query_type(types[column].data_type) %}
                    cast({{ key_before(column, type) if column in keys else 'null' }} as {{ type }}) as {{ column }},
                    {%- endfor %}
                    _seq, _rev, true as _deleted, batch as _batch{{ ', false as _again' if again }}
                from {{ relation }}
                where _key_before is not null
                {%- if floor.rose and is_incremental() %}
                union all
                -- The floor has risen over these rows: they become tombstones where they stand.
                select
                    {%- for column in columns %}
                    {{ column if column in keys else 'cast(null as ' ~ query_type(types[column].data_type) ~ ') as ' ~ column }},
                    {%- endfor %}
                    _seq, _rev, true as _deleted, cast({{ floor.batch }} as bigint) as _batch{{ ', false as _again' if again }}
                from {{ this }}
                where _seq < '{{ floor.place }}' and not _deleted
                {%- endif %}
                {%- if again %}
                union all
                -- Tombstones lose what an older version kept of them, also where bronze has let go of their deletes.
                select
                    {%- for column in columns %}
                    {{ column if column in keys else 'cast(null as ' ~ query_type(types[column].data_type) ~ ') as ' ~ column }},
                    {%- endfor %}
                    _seq, _rev, true as _deleted, _batch, true as _again
                from {{ this }}
                where _deleted
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
