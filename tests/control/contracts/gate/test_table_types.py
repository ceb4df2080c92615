"""Types of a table: the gate calls exactly those changes compatible that a build makes in place."""

import pytest
from random_contracts import VALUES
from table_evidence import said_by_macro

from control.contracts.gate import types

KINDS = (*VALUES, "tinyint", "smallint")


@pytest.mark.parametrize("before", KINDS)
def test_the_gate_and_the_build_agree_on_wider_types(before: str) -> None:
    for after in KINDS:
        found = types.compare(before, after)
        held, wanted = (said_by_macro("plain_type", kind) for kind in (before, after))
        stops = held != wanted and not said_by_macro("is_wider", held, wanted)
        assert (found is not None and found.producers == "breaking") or not stops, (before, after)
        if held != wanted and not stops:
            assert found is not None
            assert (found.producers, found.consumers) == ("compatible", "compatible"), (before, after)


def test_no_decimal_inside_another_type_can_be_widened() -> None:
    for after in ("array<decimal(10,2)>", "decimal(10,2)"):
        assert not said_by_macro("is_wider", "array<decimal(5,2)>", after)
    assert said_by_macro("is_wider", "decimal(5,2)", "decimal(10,2)")
