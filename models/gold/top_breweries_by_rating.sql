-- One row per month and brewery with at least 25 reviews in it, ranked by mean rating.
{{ config(unique_key=['review_year', 'review_month', 'brewery_id']) }}

with months as (
    select
        review_year,
        review_month,
        brewery_id,
        count(*) as review_count,
        {{ rounded_mean(exact_sum('review_overall'), 'count(*)') }} as avg_rating
    from {{ live(ref('review_flat')) }} as reviews {{ consumes(ref('review_flat')) }}
    group by review_year, review_month, brewery_id
    having count(*) >= 25
),

ranked as (
    select
        months.*,
        breweries.brewery_name,
        row_number() over (
            partition by months.review_year, months.review_month
            order by months.avg_rating desc, months.review_count desc, months.brewery_id asc
        ) as rating_rank
    from months
    left join {{ ref('breweries') }} as breweries on months.brewery_id = breweries.brewery_id
),

changed as (
    {{ changed_groups('ranked', key=['review_year', 'review_month', 'brewery_id']) }}
)

select
    cast(review_year as integer) as review_year,
    cast(review_month as integer) as review_month,
    cast(brewery_id as bigint) as brewery_id,
    cast(brewery_name as varchar) as brewery_name,
    cast(review_count as bigint) as review_count,
    cast(avg_rating as decimal(6, 4)) as avg_rating,
    cast(rating_rank as bigint) as rating_rank
from changed
