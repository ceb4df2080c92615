"""Lines as Debezium's connector for PostgreSQL writes them."""

import json
from random import Random

OPERATIONS = ("c", "c", "c", "u", "u", "d", "r")
# The prefix that `value.converter.schemas.enable` puts before each record, shortened.
SCHEMA = (
    '"schema":{"type":"struct","fields":[{"type":"struct","optional":true,"field":"before","fields":[]},'
    '{"type":"string","optional":false,"field":"op"}],"optional":false,"name":"shop.public.thing.Envelope"}'
)


def sequence(committed: int | None, lsn: int) -> str:
    """Return `source.sequence` as JSON text, in its quotes."""
    places = [None if committed is None else str(committed), str(lsn)]
    return json.dumps(json.dumps(places, separators=(",", ":")))


def line(
    operation: str, before: str, after: str, *, at: int, places: str, schema: bool = False, **source: str
) -> str:
    """Return a record with the JSON texts `before` and `after`, committed at `at` microseconds."""
    names = {
        "version": '"3.6.1.Final"', "connector": '"postgresql"', "name": '"shop"', "ts_ms": str(at // 1000),
        "snapshot": '"true"' if operation == "r" else '"false"', "db": '"shop"', "sequence": places,
        "ts_us": str(at), "ts_ns": f"{at}000", "schema": '"public"', "table": '"thing"', "txId": "755",
        "lsn": "23302216", "xmin": "null",
    } | source  # fmt: skip
    said = ",".join(f'"{name}":{text}' for name, text in names.items() if text)
    record = (
        f'{{"before":{before},"after":{after},"source":{{{said}}},"transaction":null,"op":"{operation}",'
        f'"ts_ms":{at // 1000 + 7},"ts_us":{at + 7000},"ts_ns":{at + 7000}000}}'
    )
    return f'{{{SCHEMA},"payload":{record}}}' if schema else record


def any_line(random: Random, row: str, old: str, *, schema: bool) -> str:
    """Return a record of any operation; `old` is the previous row, or what is known of it."""
    operation = random.choice(OPERATIONS)
    committed = random.choice([None, *[random.randrange(1 << random.choice([30, 63]))] * 9])
    return line(
        operation,
        row if operation == "d" else random.choice([old, "null"]) if operation == "u" else "null",
        "null" if operation == "d" else row,
        at=random.randrange(1_500_000_000_000_000, 1_800_000_000_000_000),
        places=sequence(committed, random.randrange(1 << 40)),
        schema=schema,
    )
