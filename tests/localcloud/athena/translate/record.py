"""Ask a real Trino for the answers of probes: `dm local up --engine trino`, then `record.py [topic …]`.

Each file of `probes/` has one JSON object a line. A line with only `sql` gets `types` and `rows`, or `error`;
with --again all lines do. Numbers such as 1.5 are sent as the doubles that Athena reads (ADR 7).
`probes/recorded.json` says which Trino gave the answers; with another version, everything is recorded again.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from localcloud import supervisor
from localcloud.athena.dialect import with_doubles
from localcloud.athena.engines.trino.client import Client, StatementError
from localcloud.config import DEFAULT_FOLDER, HOST

PROBES = Path(__file__).parent / "probes"
STAMP = PROBES / "recorded.json"


def connected(folder: Path | str = DEFAULT_FOLDER) -> Client:
    """Return a client of the Trino in `folder`'s local cloud; exit if none runs."""
    trino = supervisor.status(Path(folder)).part("trino")
    if trino is None:
        sys.exit(f"no Trino runs in {folder}: dm local up --engine trino")
    return Client(f"http://{HOST}:{trino.port}", trino.log)


def print_answers(statements: Iterable[str], client: Client) -> None:
    """Print statements with their answers, in the format of the files of random statements."""
    for sql in statements:
        print(json.dumps({"sql": sql, **ask(client, sql)}, ensure_ascii=False))


def ask(client: Client, sql: str) -> dict[str, Any]:
    """Return types and rows, or the name of the error."""
    try:
        result = client.run(with_doubles(sql))
    except StatementError as error:
        return {"error": error.name}
    rows = [row for page in result.pages for row in page]
    return {"types": [column["type"] for column in result.columns], "rows": rows}


def record(client: Client, path: Path, *, again: bool) -> int:
    """Write the answers of a topic; return how many were asked for."""
    probes = [json.loads(line) for line in path.read_text().splitlines() if line]
    asked = 0
    for at, probe in enumerate(probes):
        if again or probe.keys() == {"sql"}:
            probes[at] = {"sql": probe["sql"], **ask(client, probe["sql"])}
            asked += 1
    path.write_text("".join(json.dumps(probe, ensure_ascii=False) + "\n" for probe in probes))
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, default=Path(DEFAULT_FOLDER), help="folder of the local cloud")
    parser.add_argument("--again", action="store_true", help="ask for answers that are there, too")
    parser.add_argument("topics", nargs="*")
    arguments = parser.parse_args()
    client = connected(arguments.dir)
    stamp = {"trino": client.version()}
    again = arguments.again or json.loads(STAMP.read_text()) != stamp
    for path in sorted(PROBES.glob("*.jsonl")):
        if not arguments.topics or path.stem in arguments.topics:
            print(path.stem, record(client, path, again=again), "recorded")
    STAMP.write_text(json.dumps(stamp) + "\n")


if __name__ == "__main__":
    main()
