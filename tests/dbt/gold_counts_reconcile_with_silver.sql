-- Fails if the reviews of a month in gold are not as many as its live reviews in silver.
with silver as (
    select
        year(reviewed_at) as review_year,
        month(reviewed_at) as review_month,
        count(*) as review_count
    from {{ ref('reviews') }}
    group by year(reviewed_at), month(reviewed_at)
),

gold as (
    select
        review_year,
        review_month,
        sum(review_count) as review_count
    from {{ ref('state_by_review_volume') }}
    group by review_year, review_month
)

select
    coalesce(silver.review_year, gold.review_year) as review_year,
    coalesce(silver.review_month, gold.review_month) as review_month,
    silver.review_count as in_silver,
    gold.review_count as in_gold
from silver
full outer join gold
    on silver.review_year = gold.review_year
    and silver.review_month = gold.review_month
where silver.review_count is distinct from gold.review_count
