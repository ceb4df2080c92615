-- One row per review: the latest version the shop has sent us, deleted ones included.
{{ config(unique_key='review_id', update_condition=newer_wins()) }}

with changes as (
    select * from {{ source('bronze', 'review') }}
    where {{ new_batches() }}
),

latest as (
    {{ latest_by_sequence('changes', key='review_id', events=source('bronze', 'review_events')) }}
)

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
    cast(review_time as bigint) as review_time,
    cast(_seq as varchar) as _seq,
    cast(_rev as bigint) as _rev,
    cast(_deleted as boolean) as _deleted,
    cast(_batch as bigint) as _batch
from latest
