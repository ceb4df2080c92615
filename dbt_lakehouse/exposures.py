"""Have partial parsing forget an exposure that was renamed.

When a model and its exposure change together, as in `dm contract sync`, dbt's partial parsing reads the old
version of the exposure once more. A renamed exposure then stays in the manifest under its old name as well,
and the next exposure of that name (each draft has a `to_be_named`) is refused as a duplicate.
"""

from typing import Any

from dbt.parser.partial import PartialParsing

_delete = PartialParsing.delete_schema_exposure


def _delete_schema_exposure(parsing: PartialParsing, schema_file: Any, exposure: dict[str, Any]) -> None:
    """Delete the exposure, and do not read it again."""
    _delete(parsing, schema_file, exposure)  # type: ignore[no-untyped-call]
    planned = schema_file.pp_dict or {}
    if "exposures" in planned:
        planned["exposures"] = [one for one in planned["exposures"] if one["name"] != exposure["name"]]


PartialParsing.delete_schema_exposure = _delete_schema_exposure  # type: ignore[method-assign]
