"""A plugin of dbt, which imports every module named `dbt_…`: exposures that are gone are forgotten.

Where a model and its exposure change together, as `dm contract sync` changes them, dbt's partial parsing
reads the exposure as it was before once more. So one that got another name stayed in the manifest under the
old one, too, and the next of that name (each draft has a `to_be_named`) was refused as the second.
"""

from typing import Any

from dbt.parser.partial import PartialParsing

_delete = PartialParsing.delete_schema_exposure


def _delete_schema_exposure(parsing: PartialParsing, schema_file: Any, exposure: dict[str, Any]) -> None:
    """Forget the exposure, and also that it was to be read again."""
    _delete(parsing, schema_file, exposure)  # type: ignore[no-untyped-call]
    planned = schema_file.pp_dict or {}
    if "exposures" in planned:
        planned["exposures"] = [one for one in planned["exposures"] if one["name"] != exposure["name"]]


PartialParsing.delete_schema_exposure = _delete_schema_exposure  # type: ignore[method-assign]
