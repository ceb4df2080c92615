-- One row per person who writes reviews: the latest version the shop has sent us, deleted ones included.
{{ config(unique_key='profile_id', update_condition=newer_wins()) }}

with changes as (
    select * from {{ source('bronze', 'profile') }}
    where {{ new_batches() }}
),

latest as (
    {{ latest_by_sequence('changes', key='profile_id', events=source('bronze', 'profile_events')) }}
)

select
    cast(profile_id as bigint) as profile_id,
    cast(profile_name as varchar) as profile_name,
    cast(email as varchar) as email,
    cast(email_token as varchar) as email_token,
    cast(state as varchar) as state,
    cast(_seq as varchar) as _seq,
    cast(_rev as bigint) as _rev,
    cast(_deleted as boolean) as _deleted,
    cast(_batch as bigint) as _batch
from latest
