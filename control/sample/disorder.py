"""What goes wrong between a source and the bucket: shuffled, repeated, glued and broken records."""

from dataclasses import dataclass
from math import ceil
from random import Random

import msgspec

from control.sample.changes import Change, change_line
from control.sample.shop import KEYS, REVIEW_COLUMNS

# Broken lines have ids from here on: if one appears in a table, a broken line was accepted.
NEVER = 900_000_000


@dataclass(frozen=True, slots=True)
class Disorder:
    """How disordered change records arrive; shares are of the records, or of the files for `repeated`."""

    records_per_file: int
    shuffled: bool = False
    duplicated: float = 0.0
    glued: float = 0.0
    repeated: float = 0.0
    members: int = 1


TIDY = Disorder(records_per_file=1000)
UNTIDY = Disorder(records_per_file=1000, shuffled=True, duplicated=0.02, glued=0.05, repeated=0.2, members=2)
CHAOS = Disorder(records_per_file=150, shuffled=True, duplicated=0.25, glued=0.3, repeated=0.3, members=3)


def arrange(lines: list[bytes], disorder: Disorder, rng: Random) -> list[list[bytes]]:
    """Spread `lines` over files with the given `disorder`; every record is in at least one of them."""
    arrived = lines + rng.sample(lines, int(len(lines) * disorder.duplicated))
    if disorder.shuffled:
        rng.shuffle(arrived)
    per_file = disorder.records_per_file
    return [_glue(arrived[n : n + per_file], disorder.glued, rng) for n in range(0, len(arrived), per_file)]


def scatter(broken: list[bytes], files: list[list[bytes]], rng: Random) -> None:
    """Put each broken line into one of the files at a random place."""
    for line in broken:
        lines = rng.choice(files)
        lines.insert(rng.randrange(len(lines) + 1), line)


def repeat(bodies: list[bytes], disorder: Disorder, rng: Random) -> list[bytes]:
    """Return the files that arrive a second time, byte for byte."""
    return rng.sample(bodies, ceil(len(bodies) * disorder.repeated))


def broken_changes(example: Change) -> list[bytes]:
    """Return lines made from `example`, each broken in one way that no parser may accept."""
    key = KEYS[example.edit.table]
    whole = change_line(example)
    return [
        _changed(whole, "data", {key: "12x"}),  # text where an integer belongs
        _changed(whole, "data", {key: None}),  # no key
        whole[:-30],  # cut off
        whole.replace(b'"public"', b'"publ\xff"', 1),  # not UTF-8
        whole.replace(b'":', b":", 1),  # a quote is missing
        _changed(whole, "data", {key: NEVER + 0.5}),  # not an integer
        _changed(whole, "data", {"colour": "pale"}),  # a column that the contract does not know
        _changed(whole, "metadata", {"stream-position": None}),  # no place in the log
    ]


def broken_extract_lines(line: bytes) -> list[bytes]:
    """Return lines made from a good `line` of the review extract, each broken in one way."""
    fields = line.split(b",")
    fields[0] = str(NEVER).encode()
    overall = REVIEW_COLUMNS.index("review_overall")
    return [
        b",".join(fields[:-3]),  # too few fields
        b",".join([*fields, b"7"]),  # too many
        b",".join(_with(fields, overall, b'"4.5')),  # a quote is never closed
        b",".join(_with(fields, 0, b"1e3")),  # not an integer
        b",".join(_with(fields, 0, b"")),  # no key
        b",".join(_with(fields, overall, b"NaN")),  # not a number
        b",".join(_with(fields, overall, b"4\xff5")),  # not UTF-8
    ]


def _glue(lines: list[bytes], share: float, rng: Random) -> list[bytes]:
    glued: list[bytes] = []
    for line in lines:
        if glued and rng.random() < share:
            glued[-1] += line
        else:
            glued.append(line)
    return glued


def _changed(line: bytes, part: str, values: dict[str, object]) -> bytes:
    record = msgspec.json.decode(line)
    record[part].update(values)
    return msgspec.json.encode(record)


def _with(fields: list[bytes], index: int, value: bytes) -> list[bytes]:
    return [*fields[:index], value, *fields[index + 1 :]]
