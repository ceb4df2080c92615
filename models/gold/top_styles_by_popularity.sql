-- One row per month and beer style with at least 25 reviews in it, ranked by number of reviews.
{{ config(unique_key=['review_year', 'review_month', 'beer_style'], partitioned_by=['review_year']) }}

with reviews as (
    {{ affected_rows(ref('review_flat')) }}
),

months as (
    select
        review_year,
        review_month,
        coalesce(beer_style, 'unknown') as beer_style,
        count(*) as review_count,
        {{ rounded_mean(exact_sum('review_overall'), 'count(*)') }} as avg_rating
    from reviews
    group by review_year, review_month, coalesce(beer_style, 'unknown')
    having count(*) >= 25
),

ranked as (
    select
        *,
        row_number() over (
            partition by review_year, review_month
            order by review_count desc, beer_style asc
        ) as popularity_rank
    from months
),

changed as (
    {{ changed_groups(
        'ranked', key=['review_year', 'review_month', 'beer_style'], count='review_count',
        flat=ref('review_flat'), year='review_year', month='review_month'
    ) }}
)

select
    cast(review_year as integer) as review_year,
    cast(review_month as integer) as review_month,
    cast(beer_style as varchar) as beer_style,
    cast(review_count as bigint) as review_count,
    cast(avg_rating as decimal(6, 4)) as avg_rating,
    cast(popularity_rank as bigint) as popularity_rank
from changed
