-- One row per brewery: the latest version the shop has sent us, deleted ones included.
{{ config(unique_key='brewery_id', update_condition=newer_wins()) }}

with changes as (
    select * from {{ source('bronze', 'brewery') }}
    where {{ new_batches() }}
),

latest as (
    {{ latest_by_sequence('changes', key='brewery_id', events=source('bronze', 'brewery_events')) }}
)

select
    cast(brewery_id as bigint) as brewery_id,
    cast(brewery_name as varchar) as brewery_name,
    cast(_seq as varchar) as _seq,
    cast(_rev as bigint) as _rev,
    cast(_deleted as boolean) as _deleted,
    cast(_batch as bigint) as _batch
from latest
