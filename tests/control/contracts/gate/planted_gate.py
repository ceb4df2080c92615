"""Bugs that someone might introduce into the gate, and the gate with one of them."""

import importlib
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import random_edits as edits
import raw_edits
from planting import Edit
from random_contracts import Layer
from random_histories import Gate, complaints, gate, history

GATE = Path(__file__).parents[4] / "control/contracts/gate"

BUGS: dict[str, Edit] = {
    "nulls may come": Edit(
        "columns.py",
        'consumers: Verdict = "compatible" if now else "breaking"',
        'consumers: Verdict = "compatible"',
    ),
    "a required column comes": Edit("columns.py", "if _is_required(column):", "if False:"),
    "a required column is renamed": Edit(
        "columns.py", '"breaking" if is_required or bronze', '"breaking" if bronze'
    ),
    "raw columns change places": Edit(
        "columns.py",
        'if was != new)\n        verdict: Verdict = "breaking" if bronze else "compatible"',
        'if was != new)\n        verdict: Verdict = "compatible"',
    ),
    "raw files call a column otherwise": Edit(
        "columns.py",
        'message, producers="breaking", consumers="risky"',
        'message, producers="risky", consumers="risky"',
    ),
    "a token goes": Edit("columns.py", "if was and not now:", "if False:"),
    "a raw type that Iceberg would widen": Edit(
        "types.py", "else _OTHER_IN_BRONZE", "else compare(before, after)"
    ),
    "a nested type gets wider": Edit("types.py", "if found is None or", "if True or"),
    "decimals of another scale": Edit("types.py", "if scale == other and", "if"),
    "texts that are cut off": Edit("types.py", "_room(limit) >= _room(length)", "True"),
    "a range gets narrower": Edit("ranges.py", "return after < before,", "return False,"),
    "an excluded bound": Edit("ranges.py", "key == end)", "True)"),
    "decimals that are called integers": Edit(
        "values.py", 'if logical not in ("integer", "number"):', "if True:"
    ),
    "a value leaves its list": Edit("values.py", "tighter = bool(gone) or", "tighter ="),
    "a value more, for producers": Edit(
        "values.py", "tighter = bool(gone) or (old is None and new is not None)", "tighter = old != new"
    ),
    "a range gets wider, for producers": Edit(
        "values.py", "tighter, looser = ranges.differences(old, new, was, now)",
        "tighter, looser = ranges.differences(old, new, was, now)\n    tighter = tighter or looser",
    ),
    "a rule of another kind by the same name": Edit(
        "values.py", "(_demand, _kind_and_name)", "(_demand, _name)"
    ),
    "fewer columns are unique together": Edit(
        "values.py", "tighter = not old or (bool(new) and not set(old) <= set(new))", "tighter = not old"
    ),
    "the key is another one": Edit(
        "tables.py",
        '"key-changed", message, producers="breaking", consumers="breaking"',
        '"key-changed", message, producers="risky", consumers="risky"',
    ),
    "unknown keys are refused": Edit(
        "tables.py", '"discard", "freeze"): ("breaking"', '"discard", "freeze"): ("compatible"'
    ),
    "absent keys are refused": Edit(
        "tables.py", '"null", "quarantine"): ("breaking"', '"null", "quarantine"): ("compatible"'
    ),
    "a deprecated contract promises nothing": Edit(
        "compare.py", '("proposed", "draft")', '("proposed", "draft", "deprecated")'
    ),
    "a break needs a minor version": Edit("change.py", 'return "major"', 'return "minor"'),
    "a version goes back": Edit("header.py", "and new < old:", "and new[0] < old[0]:"),
}  # fmt: skip


# The histories that show each bug: their layer and edits.
SHOWN_BY: dict[str, tuple[Layer, tuple[Any, ...]]] = {
    "nulls may come": ("gold", (edits.toggle_required,)),
    "a required column comes": ("gold", (edits.add_column,)),
    "a required column is renamed": ("gold", (edits.rename_column,)),
    "raw columns change places": ("bronze", (edits.move_column,)),
    "raw files call a column otherwise": ("bronze", (raw_edits.name_raw,)),
    "a token goes": ("bronze", (raw_edits.toggle_token,)),
    "a raw type that Iceberg would widen": ("bronze", (edits.retype_column,)),
    "a nested type gets wider": ("gold", (edits.retype_column,)),
    "decimals of another scale": ("gold", (edits.retype_column,)),
    "texts that are cut off": ("gold", (edits.retype_column,)),
    "a range gets narrower": ("gold", (edits.change_rule, edits.change_bound)),
    "an excluded bound": ("gold", (edits.change_rule, edits.change_bound)),
    "decimals that are called integers": (
        "gold", (edits.change_rule, edits.change_bound, edits.relabel_type)
    ),
    "a value leaves its list": ("gold", (edits.change_rule, edits.change_list)),
    "a value more, for producers": ("gold", (edits.change_rule, edits.change_list)),
    "a range gets wider, for producers": ("gold", (edits.change_rule, edits.change_bound)),
    "a rule of another kind by the same name": ("gold", (edits.change_check, edits.turn_rule)),
    "fewer columns are unique together": ("gold", (edits.change_group,)),
    "the key is another one": ("gold", (edits.extend_key, edits.shorten_key, edits.toggle_required)),
    "unknown keys are refused": ("bronze", (raw_edits.set_unknown_keys,)),
    "absent keys are refused": ("bronze", (raw_edits.set_absent,)),
    "a deprecated contract promises nothing": ("gold", (edits.live, edits.drop_column)),
    "a break needs a minor version": ("gold", (edits.drop_column,)),
    "a version goes back": ("bronze", (edits.describe,)),
}  # fmt: skip


def planted(name: str) -> Gate:
    """Return the gate with the bug, loaded as a separate package."""
    package = f"planted_{sorted(BUGS).index(name)}"
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(GATE, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    edited = folder / package / BUGS[name].file
    edited.write_text(BUGS[name].on(edited.read_text()))
    for file in (folder / package).glob("*.py"):
        file.write_text(file.read_text().replace("control.contracts.gate", package))
    sys.path.insert(0, str(folder))
    try:
        return gate(*(importlib.import_module(f"{package}.{module}") for module in ("judge", "tree")))
    finally:
        sys.path.remove(str(folder))
        shutil.rmtree(folder)


def caught_by(name: str, seeds: Iterable[int]) -> tuple[int, str] | None:
    """Return the first seed for which only the gate with the bug is wrong, and the complaint."""
    judged = planted(name)
    for seed in seeds:
        told = history(seed, *SHOWN_BY[name])
        right = set(complaints(told, gate()))
        found = [wrong for wrong in complaints(told, judged) if wrong not in right]
        if found:
            return seed, found[0]
    return None
