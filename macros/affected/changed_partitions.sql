{% macro changed_partitions(table) -%}
    since as (
        select
            taken.consumed,
            {{ moment_text('max(versions.committed_at)') }} as since
        from taken
        left join {{ metadata_table(table, 'history') }} as places
            on taken.consumed = places.snapshot_id and places.is_current_ancestor
        left join {{ metadata_table(table, 'snapshots') }} as versions on places.snapshot_id = versions.snapshot_id
        group by taken.consumed
    ),
    changes as (
        select
            since.consumed,
            since.since,
            array_join(array_agg(
                coalesce(cast(partition._slot as varchar), '')
                || ':' || coalesce(cast(data._month.min as varchar), '')
                || ':' || coalesce(cast(data._month.max as varchar), '')
                || ':' || cast(record_count - coalesce(data._months_left.null_count, 0) as varchar)
            ), ' ') as partitions
        from since
        left join {{ metadata_table(table, 'partitions') }} on coalesce(data._build.max, '~') >= since.since
        group by since.consumed, since.since
    )
{%- endmacro %}
