{% macro changed_partitions(table) -%}
    since as (
        select {{ moment_text('max(committed_at)') }} as since
        from {{ metadata_table(table, 'snapshots') }}
        where snapshot_id in (
            select versions.snapshot_id
            from {{ metadata_table(table, 'history') }} as versions
            inner join taken on versions.snapshot_id = taken.consumed
            where versions.is_current_ancestor
        )
    ),
    changes as (
        select
            max(since.since) as since,
            array_join(array_agg(
                coalesce(cast(partition._slot as varchar), '')
                || ':' || coalesce(cast(data._month.min as varchar), '')
                || ':' || coalesce(cast(data._month.max as varchar), '')
                || ':' || cast(record_count - coalesce(data._months_left.null_count, 0) as varchar)
            ), ' ') as partitions
        from since
        left join {{ metadata_table(table, 'partitions') }} on coalesce(data._build.max, '~') >= since.since
    )
{%- endmacro %}
