{% macro latest_by_sequence(relation, key, events=none) -%}
    {%- set keys = [key] if key is string else key -%}
    {%- set columns = contract_columns().keys() | reject('in', ['_seq', '_rev', '_deleted', '_batch']) | list -%}
    {%- set content = columns | reject('in', keys) | list -%}
    select ranked.*
    from (
        select
            {{ columns | join(', ') }},
            _seq, _rev, _deleted, _batch,
            row_number() over (
                partition by {{ keys | join(', ') }}
                order by _seq desc, _rev desc, _yields asc, _deleted desc, _hash desc, _batch asc
            ) as _rank
        from (
            -- Hashing every row would take far longer than everything else: only rows that share a place need it.
            select
                sent.*,
                case
                    when count(*) over (partition by {{ qualified('sent', keys) }}, sent._seq, sent._rev) > 1
                        then {{ content_hash(content, 'sent') }}
                end as _hash
            from (
                {{ sent_rows(relation, columns, keys, floor_of(events)) }}
            ) as sent
        ) as placed
    ) as ranked
    {%- if has_table() %}
    left join {{ this }} as held on {{ same_key('ranked', 'held', keys) }}
    {%- endif %}
    where ranked._rank = 1
    {%- if has_table() %}
        -- A row that would lose is dropped here, before any check sees it.
        and (held.{{ keys[0] }} is null or {{ beats('ranked', 'held', content) }})
    {%- endif %}
{%- endmacro %}
