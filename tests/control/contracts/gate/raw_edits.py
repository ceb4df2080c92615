"""Random edits of what only a bronze table has: raw names, tokens, and how lines are parsed."""

from random import Random
from typing import Any

from random_contracts import Draft

POLICIES: dict[str, tuple[Any, ...]] = {
    "unknownKeys": ("freeze", "evolve", "discard"), "absent": ("quarantine", "null"),
    "beforeImage": ("optional", "required"), "multiline": (False, True), "delimiter": (",", ";"),
    "quote": ('"', "'"), "escape": ("double", "\\"), "header": (True, False), "position": ("lsn", "number"),
    "records": ("change", "plain"), "maxBadRecords": (10, 100), "maxBadRatio": (0.05, 0.5),
    "maxLineBytes": (1_000, 4_194_304),
}  # fmt: skip


def set_policy(made: Draft, chance: Random) -> None:
    name = chance.choice(list(POLICIES))
    _put(made.table, name, chance.choice(POLICIES[name]))


def set_unknown_keys(made: Draft, chance: Random) -> None:
    _put(made.table, "unknownKeys", chance.choice(("freeze", "discard")))


def set_absent(made: Draft, chance: Random) -> None:
    _put(made.table, "absent", chance.choice(POLICIES["absent"]))


def name_raw(made: Draft, chance: Random) -> None:
    on = chance.choice(made.columns)
    _put(
        on,
        "rawName",
        chance.choice((on["name"], f"{on['name']} raw", chance.choice(made.columns)["name"], None)),
    )


def toggle_token(made: Draft, chance: Random) -> None:
    on = chance.choice([one for one in made.columns if one["physicalType"] == "string"])
    _put(on, "token", None if _get(on, "token") else True)


def _get(on: dict[str, Any], name: str) -> Any:
    return next((one["value"] for one in on.get("customProperties", []) if one["property"] == name), None)


def _put(on: dict[str, Any], name: str, value: Any) -> None:
    kept = [one for one in on.get("customProperties", []) if one["property"] != name]
    on["customProperties"] = kept + ([] if value is None else [{"property": name, "value": value}])


RAW = (set_policy, set_policy, set_policy, set_policy, name_raw, name_raw, toggle_token, toggle_token)
