-- One row per person who writes reviews that the shop has not deleted.
{{ config(materialized='view') }}

select
    cast(profile_id as bigint) as profile_id,
    cast(profile_name as varchar) as profile_name,
    cast(email_token as varchar) as email,
    cast(state as varchar) as state
from {{ live(ref('profiles_state')) }} as profiles
