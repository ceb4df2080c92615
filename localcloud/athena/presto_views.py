"""The text of a view in Glue: a comment that holds JSON in base64, as Presto writes it."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from localcloud.athena.catalog import Table
from localcloud.athena.errors import AthenaError

_TEXT = re.compile(r"/\* Presto View: (?P<body>\S+) \*/")


def encode(description: Mapping[str, Any]) -> str:
    """Return the `ViewOriginalText` of a view with this description."""
    return f"/* Presto View: {base64.b64encode(json.dumps(description).encode()).decode()} */"


def decode(view: Table) -> dict[str, Any]:
    """Return a view's description: `originalSql`, `catalog`, `schema`, `columns`.

    Raises AthenaError INVALID_VIEW when Athena did not create the view.
    """
    match = _TEXT.search(text(view))
    try:
        found: Any = json.loads(base64.b64decode(match["body"])) if match else None
    except ValueError:
        found = None
    if not isinstance(found, dict) or "originalSql" not in found:
        raise AthenaError("INVALID_VIEW", f"View '{view.database}.{view.name}' was not created by Athena")
    return found


def text(view: Table) -> str:
    """Return the text of a view in Glue, in whatever format it is."""
    return str(view.raw.get("ViewOriginalText") or "")
