-- One row per month and beer with at least 25 reviews in it, ranked by mean rating.
{{ config(unique_key=['review_year', 'review_month', 'beer_id']) }}

with months as (
    select
        review_year,
        review_month,
        beer_id,
        count(*) as review_count,
        {{ rounded_mean(exact_sum('review_overall'), 'count(*)') }} as avg_rating
    from {{ live(ref('review_flat')) }} as reviews {{ consumes(ref('review_flat')) }}
    group by review_year, review_month, beer_id
    having count(*) >= 25
),

ranked as (
    select
        months.*,
        beers.beer_name,
        coalesce(beers.beer_style, 'unknown') as beer_style,
        beers.brewery_id,
        breweries.brewery_name,
        row_number() over (
            partition by months.review_year, months.review_month
            order by months.avg_rating desc, months.review_count desc, months.beer_id asc
        ) as rating_rank
    from months
    left join {{ ref('beers') }} as beers on months.beer_id = beers.beer_id
    left join {{ ref('breweries') }} as breweries on beers.brewery_id = breweries.brewery_id
),

changed as (
    {{ changed_groups('ranked', key=['review_year', 'review_month', 'beer_id']) }}
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
