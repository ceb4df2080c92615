-- One row per month and state of the writers, ranked by number of reviews.
{{ config(unique_key=['review_year', 'review_month', 'state'], partitioned_by=['review_year']) }}

with reviews as (
    {{ affected_rows(ref('review_flat')) }}
),

months as (
    select
        review_year,
        review_month,
        coalesce(state, 'unknown') as state,
        count(*) as review_count,
        count(distinct profile_id) as reviewer_count,
        {{ rounded_mean(exact_sum('review_overall'), 'count(*)') }} as avg_rating
    from reviews
    group by review_year, review_month, coalesce(state, 'unknown')
),

ranked as (
    select
        *,
        row_number() over (
            partition by review_year, review_month
            order by review_count desc, state asc
        ) as volume_rank
    from months
),

changed as (
    {{ changed_groups(
        'ranked', key=['review_year', 'review_month', 'state'], count='review_count',
        flat=ref('review_flat'), year='review_year', month='review_month'
    ) }}
)

select
    cast(review_year as integer) as review_year,
    cast(review_month as integer) as review_month,
    cast(state as varchar) as state,
    cast(review_count as bigint) as review_count,
    cast(reviewer_count as bigint) as reviewer_count,
    cast(avg_rating as decimal(6, 4)) as avg_rating,
    cast(volume_rank as bigint) as volume_rank
from changed
