"""Functions of Trino that are missing here, so that the error does not suggest a typo."""

_LISTED = """
approx_set bar bing_tile bing_tile_at bing_tile_coordinates bing_tile_polygon bing_tile_quadkey
bing_tile_zoom_level bing_tiles_around checksum color convex_hull_agg current_groups empty_approx_set
from_encoded_polyline from_geojson_geometry from_iso8601_timestamp_nanos from_unixtime_nanos
geometry_from_hadoop_shape geometry_invalid_reason geometry_nearest_points geometry_to_bing_tiles
geometry_union geometry_union_agg hash_counts intersection_cardinality inverse_beta_cdf jaccard_index
line_interpolate_point line_interpolate_points line_locate_point make_set_digest merge merge_set_digest
qdigest_agg render rgb simplify_geometry spatial_partitioning spatial_partitions spooky_hash_v2_32
spooky_hash_v2_64 tdigest_agg to_encoded_polyline to_geojson_geometry to_geometry to_spherical_geography
value_at_quantile values_at_quantiles version word_stem
"""
_NAMES = frozenset(_LISTED.split())


def is_absent(name: str) -> bool:
    """Whether Trino has a function of this lower-case name that is not implemented here."""
    return name in _NAMES or name.startswith("st_")
