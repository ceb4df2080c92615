"""What changed about the columns of a table: which there are, their types, their values, who may see them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from control.contracts.gate import lifetime, types, values
from control.contracts.gate.change import LACKS, Change, Verdict, words
from control.contracts.gate.side import Column, Side
from control.contracts.source import Path

# What is said for people, or what other rules look at.
_WORDS = (
    "description", "businessName", "examples", "authoritativeDefinitions", "transformSourceObjects",
    "transformLogic", "transformDescription", "criticalDataElement", "id",
)  # fmt: skip
_JUDGED = (
    "name", "physicalType", "logicalType", "required", "unique", "primaryKey",
    "primaryKeyPosition", "partitioned",
    "partitionKeyPosition", "classification", "tags", "logicalTypeOptions", "quality", "relationships",
    "customProperties",
)  # fmt: skip
_CLASSES = ("public", "internal", "pseudonym", "personal")
PERSONAL_TAG = "pii"


_STOPS = f". {LACKS}: let it be null instead"


def changes(base: Side, head: Side, *, bronze: bool) -> Iterator[Change]:
    """Every change of the columns from `base` to `head`."""
    renamed = _renamed(base, head)
    yield from _coming_and_going(base, head, renamed, bronze=bronze)
    yield from _order(base.names, head.names, renamed, bronze=bronze)
    before, after = base.own, head.own
    for name in [name for name in head.names if name in before and name in after]:
        yield from _column(before[name], after[name], bronze=bronze)


def _instead(before: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """Columns that go, and the new one that takes the place of each."""
    there, here = set(before), set(after)
    pairs = zip(before, after, strict=False)
    return {was: now for was, now in pairs if was not in here and now not in there}


def _renamed(base: Side, head: Side) -> dict[str, str]:
    """Old name to new, where a column stands in the same place and differs in nothing else but its words."""
    before, after = base.own, head.own
    pairs = _instead(base.names, head.names).items()
    return {was: now for was, now in pairs if _substance(before[was]) == _substance(after[now])}


def _substance(column: Column) -> dict[str, Any]:
    return {k: v for k, v in column.written.items() if k != "name" and k not in _WORDS}


def _coming_and_going(
    base: Side, head: Side, renamed: Mapping[str, str], *, bronze: bool
) -> Iterator[Change]:
    after, there, here = head.own, set(base.names), set(head.names)
    refused: Verdict = "breaking" if bronze else "compatible"
    for name in [name for name in base.names if name not in here]:
        path = f"columns.{name}"
        if name in renamed:
            new = renamed[name]
            message = (
                f"column {name} is now called {new}: queries of the old name fail; add {new} "
                f"and keep both for a time{_STOPS if bronze else ''}"
            )
            if _is_required(after[new]) and not bronze:
                message += "; rows already published have no value in it"
            place = after[new].place
            yield Change(
                "column-renamed",
                path,
                name,
                new,
                message,
                producers="breaking" if _is_required(after[new]) else refused,
                consumers="breaking",
                columns=(name,),
                place=place,
            )
        else:
            message = (
                f"column {name} is dropped: queries that name it fail; announce its end first"
                f"{_STOPS if bronze else ''}"
            )
            yield Change(
                "column-dropped",
                path,
                name,
                None,
                message,
                producers=refused,
                consumers="breaking",
                columns=(name,),
                place=("schema", 0, "properties"),
            )
    for name in [name for name in head.names if name not in there and name not in renamed.values()]:
        yield _added(after[name], bronze=bronze)


def _is_required(column: Column) -> bool:
    return bool(column.written.get("required") or column.written.get("primaryKey"))


def _added(column: Column, *, bronze: bool) -> Change:
    name = column.name
    if _is_required(column):
        verdict: Verdict = "breaking"
        who = "raw files that lack it are refused" if bronze else "rows already published have no value"
        message = f"column {name} is added and required: {who}; add it as optional first"
    elif bronze:
        verdict = "risky"
        message = (
            f"column {name} is added: lines that lack it may be refused, and a CSV header must name it; "
            "see dm contract replay"
        )
    else:
        verdict, message = "compatible", f"column {name} is added: readers name their columns"
    kind = column.written.get("physicalType")
    return Change(
        "column-added",
        f"columns.{name}",
        None,
        kind,
        message,
        producers=verdict,
        columns=(name,),
        place=column.place,
        addition=True,
    )


def _order(
    before: Sequence[str], after: Sequence[str], renamed: Mapping[str, str], *, bronze: bool
) -> Iterator[Change]:
    if before == after:
        return
    instead = _instead(before, after) | dict(renamed)
    there, here = {instead.get(name, name) for name in before}, set(after)
    kept = [name for name in after if name in there]
    old = [name for name in (instead.get(name, name) for name in before) if name in here]
    inserted = list(after[: len(kept)]) != kept
    if old == kept and not inserted:
        return
    if old != kept:
        first = next(new for was, new in zip(old, kept, strict=True) if was != new)
        verdict: Verdict = "breaking" if bronze else "compatible"
        message = f"the columns change places, from {first} on: whoever reads by position takes the wrong one"
        message += "; the header of a CSV file must equal the order" if bronze else ""
    else:
        verdict = "compatible"
        first = next(name for name in after if name not in there)
        message = (
            f"column {first} comes before others: whoever reads by position is one off; add it at the end"
        )
    place = ("schema", 0, "properties")
    yield Change(
        "column-order",
        "columns",
        list(before),
        list(after),
        message,
        producers=verdict,
        consumers="risky",
        place=place,
    )


def _column(before: Column, after: Column, *, bronze: bool) -> Iterator[Change]:
    old, new = before.written, after.written
    if old == new:
        return
    yield from _types(before, after, bronze=bronze)
    yield from _needed(before, after)
    yield from _privacy(before, after)
    yield from values.changes(before, after)
    yield from _custom(before, after, bronze=bronze)
    for key in [key for key in {**old, **new} if key not in _JUDGED and old.get(key) != new.get(key)]:
        path, place = f"columns.{after.name}.{key}", (*after.place, key)
        if key in _WORDS:
            yield words(path, old.get(key), new.get(key), place, (after.name,))
        else:
            yield _unjudged(path, old.get(key), new.get(key), after, key)


def _types(before: Column, after: Column, *, bronze: bool) -> Iterator[Change]:
    path, name = f"columns.{after.name}", after.name
    old, new = (str(c.written.get("physicalType", "")) for c in (before, after))
    found = types.in_bronze(old, new) if bronze else types.compare(old, new)
    if found:
        message = f"column {name} becomes {new} from {old}: {found.reason}"
        code = "type-widened" if found.producers == found.consumers == "compatible" else "type-changed"
        place = (*after.place, "physicalType")
        yield Change(
            code,
            f"{path}.physicalType",
            old,
            new,
            message,
            producers=found.producers,
            consumers=found.consumers,
            columns=(name,),
            place=place,
            addition=found.addition,
        )
    was, now = before.written.get("logicalType"), after.written.get("logicalType")
    if was != now:
        message = (
            f"column {name}: logicalType becomes {now} from {was}: tools that go by it may read "
            "values otherwise"
        )
        place = (*after.place, "logicalType")
        yield Change(
            "logical-type-changed",
            f"{path}.logicalType",
            was,
            now,
            message,
            consumers="risky",
            columns=(name,),
            place=place,
        )


def _needed(before: Column, after: Column) -> Iterator[Change]:
    name = after.name
    for key, looser, tighter in (
        (
            "required",
            "may be null now: joins and sums lose rows",
            "may no longer be null: published rows may be",
        ),
        ("unique", "may repeat now: joins on it multiply rows", "may no longer repeat: published rows may"),
    ):
        was, now = bool(before.written.get(key)), bool(after.written.get(key))
        if was == now:
            continue
        code = f"{key}-{'added' if now else 'removed'}"
        message = f"column {name} {tighter if now else looser}"
        producers: Verdict = "breaking" if now else "compatible"
        consumers: Verdict = "compatible" if now else "breaking"
        place = (*after.place, key)
        yield Change(
            code,
            f"columns.{name}.{key}",
            was,
            now,
            message,
            producers=producers,
            consumers=consumers,
            columns=(name,),
            place=place,
        )


def _privacy(before: Column, after: Column) -> Iterator[Change]:
    name = after.name
    was, now = (str(c.written.get("classification") or "") for c in (before, after))
    if was != now:
        producers, consumers, why = _reclassified(was, now)
        message = f"column {name} is {now or 'unclassified'} instead of {was or 'unclassified'}: {why}"
        place = (*after.place, "classification")
        path = f"columns.{name}.classification"
        yield Change(
            "classification-changed",
            path,
            was or None,
            now or None,
            message,
            producers=producers,
            consumers=consumers,
            columns=(name,),
            place=place,
        )
    old, new = (list(c.written.get("tags") or []) for c in (before, after))
    path, place = f"columns.{name}.tags", (*after.place, "tags")
    if PERSONAL_TAG in old and PERSONAL_TAG not in new:
        message = (
            f"column {name} loses the tag {PERSONAL_TAG}: policies that go by the tag no longer protect it"
        )
        yield Change(
            "pii-tag-removed", path, old, new, message, producers="breaking", columns=(name,), place=place
        )
    elif PERSONAL_TAG in new and PERSONAL_TAG not in old:
        message = f"column {name} gets the tag {PERSONAL_TAG}: readers may lose it"
        yield Change(
            "pii-tag-added", path, old, new, message, consumers="risky", columns=(name,), place=place
        )
    elif set(old) != set(new):
        yield words(path, old, new, place, (name,))


def _reclassified(was: str, now: str) -> tuple[Verdict, Verdict, str]:
    """What a higher or lower class means; unknown and absent ones protect nothing."""
    before, after = (_CLASSES.index(c) if c in _CLASSES else 0 for c in (was, now))
    guarded = _CLASSES.index("pseudonym")
    if after < before or not now:
        if before >= guarded:
            return "breaking", "compatible", "protection that was promised to people falls away"
        return "risky", "compatible", "more people may see it"
    if now == "personal":
        return "compatible", "breaking", "readers lose it, or see a token instead"
    return "compatible", "risky", "some readers may lose it"


def _custom(before: Column, after: Column, *, bronze: bool) -> Iterator[Change]:
    old, new = before.custom, after.custom
    for key in [key for key in {**old, **new} if old.get(key) != new.get(key)]:
        path, place = f"columns.{after.name}.{key}", (*after.place, "customProperties")
        if key == lifetime.DEPRECATION:
            yield from lifetime.announced(path, old.get(key), new.get(key), place, (after.name,))
        elif key == "generated":
            yield words(path, old.get(key), new.get(key), place, (after.name,))
        elif key == "rawName":
            yield _called(path, before, after, place)
        elif key == "token":
            yield from _token(after, bool(old.get(key)), bool(new.get(key)), bronze=bronze)
        elif key == "stateColumn":
            message = f"column {after.name} shows another column of the state: same name, other values"
            yield Change(
                "source-changed",
                path,
                old.get(key),
                new.get(key),
                message,
                consumers="breaking",
                columns=(after.name,),
                place=place,
            )
        else:
            yield _unjudged(path, old.get(key), new.get(key), after, "customProperties")


def _called(path: str, before: Column, after: Column, place: Path) -> Change:
    """What raw files have to call a column; by its own name where nothing is said."""
    was, now = (str(column.custom.get("rawName") or column.name) for column in (before, after))
    if was == now:
        return words(path, before.custom.get("rawName"), after.custom.get("rawName"), place, (after.name,))
    message = (
        f"column {after.name} is read from {now!r} instead of {was!r}: of files that say {was!r}, old ones"
        " that are replayed too, a CSV is refused, and JSON records are or lose the value; add a column for"
        f" {now!r} instead, and let both be null"
    )
    return Change(
        "raw-name-changed",
        path,
        was,
        now,
        message,
        producers="breaking",
        consumers="risky",
        columns=(after.name,),
        place=place,
    )


def _token(column: Column, was: bool, now: bool, *, bronze: bool) -> Iterator[Change]:
    name = f"{column.name}_token"
    path, place = f"columns.{column.name}.token", (*column.place, "customProperties")
    concerned = (column.name, name)
    if was and not now:
        message = f"column {name} is gone with the token: queries that name it fail"
        yield Change(
            "token-removed",
            path,
            True,
            False,
            f"{message}. {LACKS}: go on making it" if bronze else message,
            producers="breaking" if bronze else "compatible",
            consumers="breaking",
            columns=concerned,
            place=place,
        )
    elif now and not was:
        message = f"column {name} is added: the keyed hash of {column.name}"
        yield Change("token-added", path, False, True, message, columns=concerned, place=place, addition=True)


def _unjudged(path: str, was: object, now: object, column: Column, key: str) -> Change:
    message = f"{path} changes: no rule knows what follows from it, so both sides should look"
    return Change(
        "unjudged",
        path,
        was,
        now,
        message,
        producers="risky",
        consumers="risky",
        columns=(column.name,),
        place=(*column.place, key),
    )
