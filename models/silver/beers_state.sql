-- One row per beer: the latest version the shop has sent us, deleted ones included.
{{ config(unique_key='beer_id', update_condition=newer_wins()) }}

with changes as (
    select * from {{ source('bronze', 'beer') }}
    where {{ new_batches() }}
),

latest as (
    {{ latest_by_sequence('changes', key='beer_id', events=source('bronze', 'beer_events')) }}
)

select
    cast(beer_id as bigint) as beer_id,
    cast(brewery_id as bigint) as brewery_id,
    cast(beer_name as varchar) as beer_name,
    cast(beer_style as varchar) as beer_style,
    cast(beer_abv as double) as beer_abv,
    cast(_seq as varchar) as _seq,
    cast(_rev as bigint) as _rev,
    cast(_deleted as boolean) as _deleted,
    cast(_batch as bigint) as _batch
from latest
