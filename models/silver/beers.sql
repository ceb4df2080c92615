-- One row per beer that the shop has not deleted.
{{ config(materialized='view') }}

select
    cast(beer_id as bigint) as beer_id,
    cast(brewery_id as bigint) as brewery_id,
    cast(beer_name as varchar) as beer_name,
    cast(beer_style as varchar) as beer_style,
    cast(beer_abv as double) as beer_abv
from {{ live(ref('beers_state')) }} as beers
