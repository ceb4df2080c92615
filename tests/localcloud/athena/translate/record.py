"""Ask a real Trino for the answers of the probes: `python record.py http://127.0.0.1:8080 [topic …]`.

Each file of `probes/` has one JSON object a line; `sql` is kept, `types` and `rows` (or `error`) are
written anew. Numbers such as 1.5 are sent as the doubles that they are to Athena (ADR 7). Run it after
adding probes; the answers in the repository came from Trino 476.
"""

import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

from localcloud.athena.dialect import with_doubles

PROBES = Path(__file__).parent / "probes"
_HEADERS = {
    "X-Trino-User": "probe",
    "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
    "X-Trino-Time-Zone": "UTC",
}


def ask(server: str, sql: str) -> dict[str, Any]:
    """Types and rows, or the name of the error."""
    request = urllib.request.Request(
        f"{server}/v1/statement", data=with_doubles(sql).encode(), headers=_HEADERS
    )
    types: list[str] = []
    rows: list[list[Any]] = []
    while True:
        with urllib.request.urlopen(request) as answer:
            page = json.load(answer)
        if "error" in page:
            return {"error": page["error"]["errorName"]}
        types = [column["type"] for column in page.get("columns", [])] or types
        rows += page.get("data", [])
        if "nextUri" not in page:
            return {"types": types, "rows": rows}
        request = urllib.request.Request(page["nextUri"], headers=_HEADERS)


def main() -> None:
    server, topics = sys.argv[1], sys.argv[2:]
    for path in sorted(PROBES.glob("*.jsonl")):
        if topics and path.stem not in topics:
            continue
        found = [json.loads(line) for line in path.read_text().splitlines() if line]
        lines = [
            json.dumps({"sql": one["sql"], **ask(server, one["sql"])}, ensure_ascii=False) for one in found
        ]
        path.write_text("\n".join(lines) + "\n")
        print(path.stem, len(lines))


if __name__ == "__main__":
    main()
