-- One row per month and beer with at least 25 reviews in it, ranked by mean rating.
{{ config(unique_key=['review_year', 'review_month', 'beer_id'], partitioned_by=['review_year']) }}

with reviews as (
    {{ affected_rows(ref('review_flat')) }}
),

months as (
    select
        review_year,
        review_month,
        beer_id,
        max(beer_name) as beer_name,
        coalesce(max(beer_style), 'unknown') as beer_style,
        -- The reviews of an unknown beer name a brewery, but it is not the beer's.
        max(case when beer_name is not null then brewery_id end) as brewery_id,
        max(case when beer_name is not null then brewery_name end) as brewery_name,
        count(*) as review_count,
        {{ rounded_mean(exact_sum('review_overall'), 'count(*)') }} as avg_rating
    from reviews
    group by review_year, review_month, beer_id
    having count(*) >= 25
),

ranked as (
    select
        *,
        row_number() over (
            partition by review_year, review_month
            order by avg_rating desc, review_count desc, beer_id asc
        ) as rating_rank
    from months
),

changed as (
    {{ changed_groups(
        'ranked', key=['review_year', 'review_month', 'beer_id'], count='review_count',
        flat=ref('review_flat'), year='review_year', month='review_month'
    ) }}
)

select
    cast(review_year as integer) as review_year,
    cast(review_month as integer) as review_month,
    cast(beer_id as bigint) as beer_id,
    cast(beer_name as varchar) as beer_name,
    cast(beer_style as varchar) as beer_style,
    cast(brewery_id as bigint) as brewery_id,
    cast(brewery_name as varchar) as brewery_name,
    cast(review_count as bigint) as review_count,
    cast(avg_rating as decimal(6, 4)) as avg_rating,
    cast(rating_rank as bigint) as rating_rank
from changed
