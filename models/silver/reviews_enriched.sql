-- One row per review that the shop has not deleted, with what is known now of its beer, brewery and writer.
{{ config(materialized='view') }}

select
    cast(review_id as bigint) as review_id,
    cast(review_year as integer) as review_year,
    cast(review_month as integer) as review_month,
    cast(reviewed_at as timestamp(6)) as reviewed_at,
    cast(brewery_id as bigint) as brewery_id,
    cast(beer_id as bigint) as beer_id,
    cast(profile_id as bigint) as profile_id,
    cast(review_overall as double) as review_overall,
    cast(review_aroma as double) as review_aroma,
    cast(review_appearance as double) as review_appearance,
    cast(review_palate as double) as review_palate,
    cast(review_taste as double) as review_taste,
    cast(beer_name as varchar) as beer_name,
    cast(beer_style as varchar) as beer_style,
    cast(beer_abv as double) as beer_abv,
    cast(brewery_name as varchar) as brewery_name,
    cast(profile_name as varchar) as profile_name,
    cast(state as varchar) as state
from {{ live(ref('review_flat')) }} as reviews
