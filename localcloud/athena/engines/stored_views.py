"""What Glue keeps of a view: Presto's own description of it."""

import base64
import json
import re
from collections.abc import Mapping

from localcloud.athena.catalog import Table
from localcloud.athena.errors import AthenaError

_VIEW = re.compile(r"/\* Presto View: (?P<body>\S+) \*/")


def described(found: Table) -> Mapping[str, object]:
    """`originalSql`, `schema`, `columns` … Raises INVALID_VIEW when it was not made by Athena."""
    match = _VIEW.search(str(found.raw.get("ViewOriginalText") or ""))
    if match is None:
        raise AthenaError("INVALID_VIEW", f"View '{found.database}.{found.name}' was not created by Athena")
    body: Mapping[str, object] = json.loads(base64.b64decode(match["body"]))
    return body


def definition(found: Table) -> str:
    """The query of a view; of one that Athena did not make, what Glue has."""
    text = str(found.raw.get("ViewOriginalText") or "")
    return str(described(found)["originalSql"]) if _VIEW.search(text) else text
