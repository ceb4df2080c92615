"""What is read without a YAML parser equals what the parser reads, with the same positions."""

import os
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from control.contracts import source
from control.contracts.gate import plain, side

SWEEP = int(os.environ.get("SWEEP", "1"))
BASE = Path(__file__).parent / "base"
WORDS = st.one_of(
    st.sampled_from(
        [
         "true", "no", "On", "null", "~", "1", "010", "0x1F", "1_000", "1.5", "-3", "-a", "- a", "1e3",
         "1:30", "2020-01-01", "2020-99-01", "a: b", "a:b", "a #b", "a#b", "a:", "'it''s'", "\"a\\n\"",
         "\"a\"", "'b'", "[a, 1]", "[a,1]", "[]", "[ a ]", "[a: b]", "[\"a, b\", c]", "[[a]]", "{a: 1}",
         "|", ">", "&x", "*x", "!t", "@a", "%a", "ä ö", "a\tb", "a ", "? a", "=", "<<", ".inf", "a, b",
         "a]", "a}", "\u2028", "decimal(12,2)", "'", "a'b"
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6),
    st.text("ab1-:# '\"[],.", max_size=8),
)  # fmt: skip
KEYS = st.one_of(
    st.sampled_from(["name", "quality", "on", "true", "null", "a-b", "1", "y", "value", "a b", ""]),
    st.text("abn1_", min_size=1, max_size=3),
)


@st.composite
def lines(draw: st.DrawFn) -> str:
    indent = " " * draw(st.sampled_from([0, 2, 2, 2, 4, 4, 6, 8, 1, 3]))
    dash = draw(st.sampled_from(["", "", "", "- ", "-  "]))
    key = draw(KEYS)
    kind = draw(st.sampled_from(["pair", "pair", "pair", "open", "word", "blank", "comment"]))
    said = {"pair": f"{key}: {draw(WORDS)}", "open": f"{key}:", "word": draw(WORDS), "blank": "",
            "comment": "# x"}[kind]  # fmt: skip
    return f"{indent}{dash}{said}\n"


def agree(text: str, indent: int) -> bool:
    """Return whether the column was read without the parser; if so, assert that the parser agrees."""
    block = plain.Block("a", text, 0, 1, indent)
    quick = plain.read(block)
    if quick is None:
        return False
    document, findings = source.read("", text.encode())
    assert document is not None
    assert findings == ()
    assert repr(document.data) == repr([quick])
    for path, mark in document.marks.items():
        if path:
            assert block.mark(path[1:]) == mark
    return True


@settings(max_examples=400 * SWEEP)
@given(st.lists(lines(), max_size=6).map("".join))
@example("  - name: a\n    quality:\n      - type: b\n      - c\n    tags: [x, 'y, z']\n    on: off\n")
@example("  - name: a\n    quality:\n    - b\n")
@example("  - name: a\n    b: c\n      d\n")
def test_the_plain_reader_agrees_with_the_yaml_parser(rest: str) -> None:
    for indent in (0, 2):
        agree(f"{' ' * indent}- name: a\n{rest}", indent)


def test_the_plain_reader_reads_nearly_every_column_of_the_examples() -> None:
    cut = [block for path in sorted(BASE.rglob("*.yaml")) for block in side._cut(path.read_bytes())]
    assert len(cut) > 15
    assert sum(agree(block.text, block.indent) for block in cut) > len(cut) * 0.8
