"""Glue's content of a view: a description in Presto's format."""

import base64
import json
import re
from collections.abc import Mapping

from localcloud.athena.catalog import Table
from localcloud.athena.errors import AthenaError

_VIEW = re.compile(r"/\* Presto View: (?P<body>\S+) \*/")


def described(found: Table) -> Mapping[str, object]:
    """Decode `originalSql`, `schema`, `columns` etc. Raises INVALID_VIEW when Athena did not create it."""
    match = _VIEW.search(str(found.raw.get("ViewOriginalText") or ""))
    if match is None:
        raise AthenaError("INVALID_VIEW", f"View '{found.database}.{found.name}' was not created by Athena")
    body: Mapping[str, object] = json.loads(base64.b64decode(match["body"]))
    return body


def definition(found: Table) -> str:
    """Return the query of a view; if Athena did not create it, the text in Glue."""
    text = str(found.raw.get("ViewOriginalText") or "")
    return str(described(found)["originalSql"]) if _VIEW.search(text) else text
