{% macro changes_since(table, snapshot) -%}
    with since as (
        select {{ moment_text('max(versions.committed_at)') }} as since
        from {{ metadata_table(table, 'history') }} as places
        inner join {{ metadata_table(table, 'snapshots') }} as versions on places.snapshot_id = versions.snapshot_id
        where places.snapshot_id = {{ snapshot }} and places.is_current_ancestor
    ),
    changes as (
        select
            since.since,
            array_join(array_agg(
                coalesce(cast(partition._slot as varchar), '')
                || ':' || coalesce(cast(data._month.min as varchar), '')
                || ':' || coalesce(cast(data._month.max as varchar), '')
                || ':' || cast(record_count - coalesce(data._months_left.null_count, 0) as varchar)
            ), ' ') as partitions
        from since
        left join {{ metadata_table(table, 'partitions') }} on coalesce(data._build.max, '~') >= since.since
        group by since.since
    )
    select ({{ newest_snapshot(table) }}) as head, since, partitions from changes
{%- endmacro %}
