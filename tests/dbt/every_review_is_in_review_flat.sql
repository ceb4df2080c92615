-- Fails if a review is missing from review_flat, or is deleted in one and not in the other.
{{ config(group='data-platform') }}
select
    reviews.review_id,
    reviews._deleted,
    flat._deleted as _deleted_in_flat
from {{ ref('reviews_state') }} as reviews
left join {{ ref('review_flat') }} as flat on reviews.review_id = flat.review_id
where flat.review_id is null
    or reviews._deleted <> flat._deleted
