-- One row per brewery that the shop has not deleted.
{{ config(materialized='view') }}

select
    cast(brewery_id as bigint) as brewery_id,
    cast(brewery_name as varchar) as brewery_name
from {{ live(ref('breweries_state')) }} as breweries
