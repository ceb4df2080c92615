-- One row per review, deleted ones included, with what is known now of its beer, brewery and writer.
{{ config(unique_key='review_id', partitioned_by=['_slot']) }}

with new_reviews as (
    select review_id from {{ ref('reviews_state') }}
    where {{ new_batches(ref('reviews_state')) }}
),

new_beers as (
    select beer_id from {{ ref('beers_state') }}
    where {{ new_batches(ref('beers_state')) }}
),

new_breweries as (
    select brewery_id from {{ ref('breweries_state') }}
    where {{ new_batches(ref('breweries_state')) }}
),

new_profiles as (
    select profile_id from {{ ref('profiles_state') }}
    where {{ new_batches(ref('profiles_state')) }}
),

reviews as (
    select
        *,
        -- The time of a deleted review is not checked, so it may be out of any range.
        case when not _deleted then {{ ts6('review_time') }} end as reviewed_at
    from {{ ref('reviews_state') }}
    {%- if not any_new([ref('beers_state'), ref('breweries_state'), ref('profiles_state')]) %}
    where {{ new_batches(ref('reviews_state')) }}
    {%- endif %}
),

flat as (
    select
        reviews.review_id,
        year(reviews.reviewed_at) as review_year,
        month(reviews.reviewed_at) as review_month,
        year(reviews.reviewed_at) * 100 + month(reviews.reviewed_at) as _month,
        reviews.reviewed_at,
        coalesce(beers.brewery_id, reviews.brewery_id) as brewery_id,
        reviews.beer_id,
        reviews.profile_id,
        reviews.review_overall,
        reviews.review_aroma,
        reviews.review_appearance,
        reviews.review_palate,
        reviews.review_taste,
        beers.beer_name,
        beers.beer_style,
        beers.beer_abv,
        breweries.brewery_name,
        profiles.profile_name,
        profiles.state,
        reviews._deleted
    from reviews
    left join {{ ref('beers') }} as beers on reviews.beer_id = beers.beer_id
    left join {{ ref('breweries') }} as breweries
        on coalesce(beers.brewery_id, reviews.brewery_id) = breweries.brewery_id
    left join {{ ref('profiles') }} as profiles on reviews.profile_id = profiles.profile_id
),

affected as (
    select * from flat
    where flat.review_id in (select new_reviews.review_id from new_reviews)
        or flat.beer_id in (select new_beers.beer_id from new_beers)
        or flat.brewery_id in (select new_breweries.brewery_id from new_breweries)
        or flat.profile_id in (select new_profiles.profile_id from new_profiles)
),

changed as (
    {{ changed_rows(
        'affected', key='review_id', ignore=['_build', '_months_left', '_slot'],
        also={'_months_left': months_left('fresh', 'held')}
    ) }}
)

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
    cast(state as varchar) as state,
    cast(_deleted as boolean) as _deleted,
    cast('{{ build_mark() }}' as varchar) as _build,
    cast(_month as integer) as _month,
    cast(_months_left as varchar) as _months_left,
    -- Files that hold few months each are the ones that gold can leave out.
    cast({{ month_slot('_month') }} as integer) as _slot
from changed
