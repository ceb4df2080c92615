"""Feed the kernel texts that are broken in every way: `python kernel_fuzz.py SEED INPUTS SHOWN`.

Each input is written to the file SHOWN before the kernel gets it, so that it is known if the process crashes.
"""

import json
import mmap
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random

ROOM = 1 << 18
ODD = [bytes([byte]) for byte in b"\"',\t;|\\\r\n\xff\0 {}[]:1-.eT/9"]
ODD += [
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"null",
    b'""',
    b"\xed\xa0\x80",
    b"9" * 40,
    b"\n\n",
    b'",',
    b"\r\n",
    b"",
]

Reader = Callable[[bytes], object]


def readers() -> dict[str, tuple[bytes, Reader]]:
    """Return, by name, a function that reads an input, and a text of which it accepts every line."""
    from debezium_lines import line as of_debezium
    from debezium_lines import sequence
    from kernel_cases import KINDS, QUICK_POSITIONS, QUICK_TEXTS, QUICK_VALUES
    from kernel_law import change_lines_taken, extract_lines_taken
    from raw_files import contract, record

    columns = ("id bigint key", *(f"c{n} {kind}?" for n, kind in enumerate(KINDS)))
    found: dict[str, tuple[bytes, Reader]] = {}

    def extracts(name: str, **dialect: object) -> None:
        rules = contract(*columns, **dialect)
        by, quote = rules.csv.delimiter, rules.csv.quote or ""
        plain = [[text for text in QUICK_TEXTS[kind] if '"' not in text][:6] for kind in KINDS]
        rows = [["7", *(texts[n % len(texts)] for texts in plain)] for n in range(4)]
        quoted = [[f"{quote}{text}{quote}" for text in row] for row in rows]
        lines = [by.join(row) for row in [*rows, *quoted, ["8", *[""] * len(KINDS)]]]
        text = "".join(f"{line}\n" for line in lines).encode()
        assert extract_lines_taken(rules, text) == list(range(len(lines))), name
        found[name] = text, lambda text: extract_lines_taken(rules, text)

    extracts("an extract")
    extracts("an extract of many lines a record", multiline=True)
    extracts("an extract with escapes", delimiter=";", escape="\\")
    extracts("an extract without quotes", delimiter="|", quote="none")

    def changes(kind: str, **custom: object) -> None:
        rules = contract(*columns, position=kind, **custom)
        lines = []
        for n in range(4):
            values = {f"c{at}": f"<{at}>" for at in range(len(KINDS))}
            data = {"id": 1, **values}
            row = record(data, before={"id": 1, "c0": 5}, stream_position=QUICK_POSITIONS[kind][n % 3])
            line = json.dumps(data if rules.records == "plain" else row, ensure_ascii=False)
            if rules.records == "debezium":
                places, before = sequence(n * 10**9, 7), '{"id":1,"c0":"a"}'
                line = of_debezium("u", before, json.dumps(data), at=(n + 1) * 10**15, places=places)
            for at, name in enumerate(KINDS):
                line = line.replace(f'"<{at}>"', QUICK_VALUES[name][n % len(QUICK_VALUES[name])][:60])
            lines.append(line.encode())
        lines.append(lines[0].replace(b'"a"', b"null"))
        assert change_lines_taken(rules, lines) == list(range(5)), kind

        def read(text: bytes) -> object:
            return change_lines_taken(rules, [*lines[:2], *text.removesuffix(b"\n").split(b"\n")])

        found[f"changes at a {kind}, {rules.records}"] = b"".join(line + b"\n" for line in lines), read

    for kind in QUICK_POSITIONS:
        changes(kind)
    changes("lsn", records="plain")
    changes("lsn", records="debezium")
    return found


def inputs(good: bytes, random: Random) -> Iterator[bytes]:
    """Yield endless texts: cut at every byte, changed, made of odd pieces, of random bytes."""
    longest = max(good.split(b"\n"), key=len)
    for at in range(0, len(longest), 40):  # as lines of one text; below, also each as the last line
        some = range(at, min(at + 40, len(longest)))
        yield b"\n".join(longest[:cut] for cut in some)
        yield b"\n".join(longest[cut:] for cut in some)
    cuts = list(range(len(good)))
    random.shuffle(cuts)
    while True:
        if cuts:
            cut = cuts.pop()
            yield good[:cut]
            yield good[cut:] + good[:cut]
        text = good
        for _ in range(random.choice([1, 1, 2, 3, 9])):
            at, size = random.randrange(len(text) + 1), random.choice([0, 1, 1, 2, 16])
            text = text[:at] + random.choice(ODD) + text[at + size :]
        yield text[: random.choice([len(text)] * 3 + [random.randrange(len(text) + 1)])]
        at, size = random.randrange(len(good)), random.randrange(1, 40)
        yield good[:at] + random.randbytes(size) + good[at + size :]
        yield b"".join(
            random.choices([*ODD, good[at : at + size], good.split(b"\n")[0]], k=random.randrange(60))
        )
        yield random.randbytes(random.randrange(200))


def main(seed: str, count: int, shown: Path) -> None:
    random, all_readers = Random(seed), readers()
    with shown.open("r+b") as file, mmap.mmap(file.fileno(), ROOM) as page:
        for name, (good, read) in all_readers.items():
            # For change records, learning the layouts takes ten times as long.
            share = count // (20 if name.startswith("changes") else 6)
            for text in islice(inputs(good, random), share):
                said = json.dumps([name, text.decode("latin-1")]).encode()
                page[: len(said) + 1] = said + b"\0"
                read(text)
        done = json.dumps(["done", len(all_readers)]).encode() + b"\0"
        page[: len(done)] = done


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
