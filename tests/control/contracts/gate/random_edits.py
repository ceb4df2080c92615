"""Random edits of a contract. Each makes one realistic change, or finds nothing to change."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from random_contracts import BOUNDS, FRESH, KINDS, Draft, Layer, column, is_valid, rule
from raw_edits import RAW

from control.contracts import hive

Edit = Callable[[Draft, Random], None]
_T = TypeVar("_T")
# Realistic type changes, in addition to types drawn at random.
NEAR = {
    "int": ("bigint",), "float": ("double",), "bigint": ("int", "decimal(5,0)"), "double": ("float",),
    "decimal(5,2)": ("decimal(10,2)", "decimal(10,4)"), "decimal(10,2)": ("decimal(5,2)",),
    "string": ("varchar(4)", "varchar(8)", "char(4)"), "varchar(4)": ("varchar(8)", "string", "char(4)"),
    "varchar(8)": ("varchar(4)", "string"), "char(4)": ("char(8)", "string"),
    "char(8)": ("char(4)", "varchar(4)", "string"), "array<int>": ("array<bigint>",),
    "array<decimal(5,2)>": ("array<decimal(10,2)>",), "map<string,int>": ("map<string,bigint>",),
    "struct<a:int,b:string>": (
        "struct<a:int>", "struct<b:string,a:int>", "struct<a:bigint,b:string>",
        "struct<a:int,b:string,c:date>",
    ),
}  # fmt: skip


class NothingToChangeError(Exception):
    """The contract has nothing that this edit could change."""


def one_of(chance: Random, listed: Sequence[_T]) -> _T:
    if not listed:
        raise NothingToChangeError
    return chance.choice(listed)


def other(chance: Random, value: Any, listed: Sequence[Any]) -> Any:
    return one_of(chance, [one for one in listed if one != value])


def any_column(made: Draft, chance: Random) -> dict[str, Any]:
    return one_of(chance, made.columns)


def _fresh(made: Draft, chance: Random) -> str:
    return one_of(chance, [name for name in FRESH if name not in made.names])


def add_column(made: Draft, chance: Random) -> None:
    at = chance.choice((len(made.columns), len(made.columns), chance.randrange(len(made.columns))))
    made.columns.insert(at, column(chance, _fresh(made, chance), made.layer, KINDS[made.layer]))


def drop_column(made: Draft, chance: Random) -> None:
    made.columns.remove(one_of(chance, [one for one in made.columns if not one.get("primaryKey")]))


def rename_column(made: Draft, chance: Random) -> None:
    any_column(made, chance)["name"] = _fresh(made, chance)


def replace_column(made: Draft, chance: Random) -> None:
    at = made.columns.index(one_of(chance, [one for one in made.columns if not one.get("primaryKey")]))
    made.columns[at] = column(chance, _fresh(made, chance), made.layer, KINDS[made.layer])


def split_column(made: Draft, chance: Random) -> None:
    """Replace a column by two that are like it."""
    at = made.columns.index(one_of(chance, [one for one in made.columns if not one.get("primaryKey")]))
    like = made.columns[at]
    made.columns[at] = {**like, "name": _fresh(made, chance)}
    made.columns.insert(at + 1, {**like, "name": _fresh(made, chance)})


def retype_column(made: Draft, chance: Random) -> None:
    known = [one for one in made.columns if one["physicalType"] in NEAR]
    on = chance.choice(known) if known and chance.random() < 0.8 else any_column(made, chance)
    near = [kind for kind in NEAR.get(on["physicalType"], ()) if kind in KINDS[made.layer]]
    kind = other(chance, on["physicalType"], near * 20 + list(KINDS[made.layer]))
    on["physicalType"] = kind
    if on["logicalType"] not in hive.logical_types(kind):
        on["logicalType"] = chance.choice(hive.logical_types(kind))
        on.pop("logicalTypeOptions", None)
        on.pop("quality", None)


def relabel_type(made: Draft, chance: Random) -> None:
    on = one_of(chance, [one for one in made.columns if one["physicalType"].startswith("decimal")])
    on["logicalType"] = other(chance, on["logicalType"], ("number", "integer"))


def move_column(made: Draft, chance: Random) -> None:
    made.columns.insert(
        chance.randrange(len(made.columns)), made.columns.pop(made.columns.index(any_column(made, chance)))
    )


def swap_names(made: Draft, chance: Random) -> None:
    if len(made.columns) < 2:
        raise NothingToChangeError
    one, two = chance.sample(made.columns, 2)
    one["name"], two["name"] = two["name"], one["name"]


def toggle_required(made: Draft, chance: Random) -> None:
    on = one_of(chance, [one for one in made.columns if not one.get("primaryKey")])
    if on.pop("required", None) is None:
        on["required"] = True


def say_optional(made: Draft, chance: Random) -> None:
    one_of(chance, [one for one in made.columns if "required" not in one])["required"] = False


def extend_key(made: Draft, chance: Random) -> None:
    on = one_of(chance, [one for one in made.columns if not one.get("primaryKey") and one.get("required")])
    on |= {"primaryKey": True, "primaryKeyPosition": len(made.key) + 1}


def shorten_key(made: Draft, chance: Random) -> None:
    if len(made.key) < 2:
        raise NothingToChangeError
    [on] = [one for one in made.columns if one["name"] == made.key[-1]]
    del on["primaryKey"], on["primaryKeyPosition"]


def turn_key(made: Draft, chance: Random) -> None:
    if len(made.key) != 2:
        raise NothingToChangeError
    for on in made.columns:
        if on.get("primaryKey"):
            on["primaryKeyPosition"] = 3 - on["primaryKeyPosition"]


def reclassify(made: Draft, chance: Random) -> None:
    on = any_column(made, chance)
    classes = ["public", "internal", "pseudonym", *(["personal"] if made.layer == "bronze" else [])]
    on["classification"] = other(chance, on["classification"], classes)


def tag_personal(made: Draft, chance: Random) -> None:
    on = any_column(made, chance)
    if on.pop("tags", None) is None:
        on["tags"] = ["pii"]


def describe(made: Draft, chance: Random) -> None:
    chance.choice((any_column(made, chance), made.table))["description"] = f"Words {chance.random()}."


def announce(made: Draft, chance: Random) -> None:
    on = chance.choice((made.data, any_column(made, chance)))
    kept = [one for one in on.get("customProperties", []) if one["property"] != "deprecation"]
    day = chance.choice(("2026-02-01", "2026-12-01", "2027-06-01", None))
    end = {"property": "deprecation", "value": {"announced": "2026-01-01", "ends": day}}
    on["customProperties"] = kept + ([end] if day else [])


def promise(made: Draft, chance: Random) -> None:
    level = one_of(chance, made.data["slaProperties"])
    if chance.random() < 0.3:
        level["element"] = chance.choice(made.names)
    else:
        level["value"] = other(chance, level["value"], (1, 2, 24, 48))


def live(made: Draft, chance: Random) -> None:
    made.data["status"] = other(chance, made.data["status"], ("draft", "active", "deprecated", "retired"))


def own(made: Draft, chance: Random) -> None:
    made.data["team"]["name"] = other(chance, made.data["team"]["name"], ("shop-data", "finance"))


def serve(made: Draft, chance: Random) -> None:
    one_of(chance, made.data["servers"])["catalog"] = chance.choice(("awsdatacatalog", "elsewhere"))


# --- rules of gold --------------------------------------------------------------------------------


def change_rule(made: Draft, chance: Random) -> None:
    rule(chance, one_of(chance, [one for one in made.columns if not one.get("primaryKey")]))


def change_bound(made: Draft, chance: Random) -> None:
    on = one_of(
        chance,
        [one for one in made.columns if one["logicalType"] in BOUNDS and one.get("logicalTypeOptions")],
    )
    name = chance.choice(list(on["logicalTypeOptions"]))
    if chance.random() < 0.4:  # exclusive instead of inclusive, or the reverse
        value = on["logicalTypeOptions"].pop(name)
        twin = (
            name[9].lower() + name[10:]
            if name.startswith("exclusive")
            else f"exclusive{name[0].upper()}{name[1:]}"
        )
        on["logicalTypeOptions"][twin] = chance.choice((value, chance.choice(BOUNDS[on["logicalType"]])))
    else:
        on["logicalTypeOptions"][name] = chance.choice(BOUNDS[on["logicalType"]])


def drop_rule(made: Draft, chance: Random) -> None:
    on = one_of(chance, [one for one in made.columns if one.get("logicalTypeOptions") or one.get("quality")])
    on.pop(chance.choice([key for key in ("logicalTypeOptions", "quality") if key in on]))


def change_list(made: Draft, chance: Random) -> None:
    rules = [
        one for on in made.columns for one in on.get("quality", []) if one.get("metric") == "invalidValues"
    ]
    words = one_of(chance, rules)["arguments"]["validValues"]
    if chance.random() < 0.5:
        words.append(chance.choice(("new", "x1", "a")))
    elif len(words) > 1:
        words.pop(chance.randrange(len(words)))


def toggle_unique(made: Draft, chance: Random) -> None:
    on = one_of(
        chance, [one for one in made.columns if not one.get("primaryKey") and "<" not in one["physicalType"]]
    )
    if on.pop("unique", None) is None:
        on["unique"] = True


def change_group(made: Draft, chance: Random) -> None:
    flat = [one["name"] for one in made.columns if "<" not in one["physicalType"]]
    rules = [one for one in made.table.get("quality", []) if one.get("metric") != "duplicateValues"]
    group = chance.sample(flat, min(len(flat), chance.choice((0, 1, 2, 2, 3))))
    together = {"name": "r", "metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": group}}
    made.table["quality"] = [*rules, *([together] if group else [])]


def change_check(made: Draft, chance: Random) -> None:
    numbers = [one["name"] for one in made.columns if one["logicalType"] in ("integer", "number")]
    name = one_of(chance, numbers)
    text = (
        f"{name} {chance.choice(('>', '>=', '<'))} {chance.choice((0, 1, 3))} or {chance.choice(numbers)} > 2"
    )
    rules = [one for one in made.table.get("quality", []) if one.get("engine") != "athena"]
    check = {"name": "r", "type": "custom", "engine": "athena", "implementation": {"check": text}}
    made.table["quality"] = [*rules, *([check] if chance.random() < 0.8 else [])]


def turn_rule(made: Draft, chance: Random) -> None:
    """Replace a rule by another kind with the same name."""
    rules = [one for one in made.table.get("quality", []) if one.get("name") == "r"]
    kind = one_of(chance, rules).get("metric")
    made.table["quality"] = [one for one in made.table["quality"] if one.get("name") != "r"]
    (change_check if kind else change_group)(made, chance)


def change_test(made: Draft, chance: Random) -> None:
    rules = [one for one in made.table.get("quality", []) if one.get("engine") != "dbt"]
    test = {"type": "custom", "engine": "dbt", "implementation": {"test": "not_empty"}}
    made.table["quality"] = [*rules, *one_of(chance, [[], [test], [{**test, "severity": "warning"}]])]


COMMON: tuple[Edit, ...] = (
    add_column, drop_column, rename_column, replace_column, split_column, retype_column, retype_column,
    relabel_type, move_column, swap_names, toggle_required, toggle_required, say_optional, extend_key,
    shorten_key, turn_key, reclassify, tag_personal, describe, announce, promise, live, own, serve,
)  # fmt: skip
OF_GOLD: tuple[Edit, ...] = (
    change_rule, change_rule, change_bound, change_bound, change_bound, drop_rule, change_list, change_list,
    toggle_unique, change_group, change_group, change_check, change_check, turn_rule, change_test,
)  # fmt: skip


EDITS: dict[Layer, tuple[Edit, ...]] = {"bronze": (*COMMON, *RAW), "gold": (*COMMON, *OF_GOLD)}


def edited(made: Draft, chance: Random, count: int, edits: Sequence[Edit]) -> tuple[Draft, list[str]]:
    """Apply `count` random edits, fewer if nothing is left to change; return the contract and their names."""
    names: list[str] = []
    for _ in range(200):
        if len(names) == count:
            break
        after, edit = made.copy(), chance.choice(edits)
        try:
            edit(after, chance)
        except (NothingToChangeError, IndexError, ValueError):
            continue
        if after.data != made.data and is_valid(after):
            made = after
            names.append(edit.__name__)
    return made, names


def versioned(made: Draft, chance: Random) -> None:
    """Raise the version enough, too little or not at all, or lower it."""
    major, minor, patch = map(int, made.data["version"].split("."))
    raised = (
        (major, minor, patch), (major, minor, patch + 1), (major, minor + 1, 0), (major, minor + 1, 0),
        (major + 1, 0, 0), (major + 1, 0, 0), (major, max(minor - 1, 0), 0),
    )  # fmt: skip
    made.data["version"] = ".".join(map(str, chance.choice(raised)))
