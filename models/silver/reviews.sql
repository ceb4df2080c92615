-- One row per review that the shop has not deleted.
{{ config(materialized='view') }}

select
    cast(review_id as bigint) as review_id,
    cast(brewery_id as bigint) as brewery_id,
    cast(beer_id as bigint) as beer_id,
    cast(profile_id as bigint) as profile_id,
    cast(review_overall as double) as review_overall,
    cast(review_aroma as double) as review_aroma,
    cast(review_appearance as double) as review_appearance,
    cast(review_palate as double) as review_palate,
    cast(review_taste as double) as review_taste,
    {{ ts6('review_time') }} as reviewed_at
from {{ live(ref('reviews_state')) }} as reviews
