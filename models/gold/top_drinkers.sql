-- One row per month and person, for the 100 people who wrote most reviews in it.
{{ config(unique_key=['review_year', 'review_month', 'profile_id'], partitioned_by=['review_year']) }}

with reviews as (
    {{ affected_rows(ref('review_flat')) }}
),

months as (
    select
        review_year,
        review_month,
        profile_id,
        max(profile_name) as profile_name,
        coalesce(max(state), 'unknown') as state,
        count(*) as review_count,
        {{ exact_sum('review_overall') }} as rating_sum
    from reviews
    group by review_year, review_month, profile_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by review_year, review_month
            order by review_count desc, profile_id asc
        ) as drinker_rank
    from months
),

first_hundred as (
    select
        *,
        {{ rounded_mean('rating_sum', 'review_count') }} as avg_rating
    from ranked
    where drinker_rank <= 100
),

changed as (
    {{ changed_groups(
        'first_hundred', key=['review_year', 'review_month', 'profile_id'], count='review_count',
        flat=ref('review_flat'), year='review_year', month='review_month'
    ) }}
)

select
    cast(review_year as integer) as review_year,
    cast(review_month as integer) as review_month,
    cast(profile_id as bigint) as profile_id,
    cast(profile_name as varchar) as profile_name,
    cast(state as varchar) as state,
    cast(review_count as bigint) as review_count,
    cast(avg_rating as decimal(6, 4)) as avg_rating,
    cast(drinker_rank as bigint) as drinker_rank
from changed
