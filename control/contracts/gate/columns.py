"""Judge changes of a table's columns: which there are, their types, their values, who may see them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from control.contracts.gate import lifetime, types, values
from control.contracts.gate.change import LACKS, RECONCILE, Change, Difference, Verdict
from control.contracts.gate.side import Column, Side

# Text for people, or what other rules check.
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
    """Yield every change of the columns from `base` to `head`."""
    renamed = _renamed(base, head)
    yield from _coming_and_going(base, head, renamed, bronze=bronze)
    yield from _order(base.names, head.names, renamed, bronze=bronze)
    before, after = base.own, head.own
    for name in [name for name in head.names if name in before and name in after]:
        yield from _column(before[name], after[name], bronze=bronze)


def _instead(before: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """Map each removed column to the new column at its position."""
    there, here = set(before), set(after)
    pairs = zip(before, after, strict=False)
    return {was: now for was, now in pairs if was not in here and now not in there}


def _renamed(base: Side, head: Side) -> dict[str, str]:
    """Map old names to new, for columns at the same position that otherwise differ only in their texts."""
    before, after = base.own, head.own
    pairs = _instead(base.names, head.names).items()
    return {was: now for was, now in pairs if _substance(before[was]) == _substance(after[now])}


def _substance(column: Column) -> dict[str, Any]:
    return {k: v for k, v in column.written.items() if k != "name" and k not in _WORDS}


def _coming_and_going(
    base: Side, head: Side, renamed: Mapping[str, str], *, bronze: bool
) -> Iterator[Change]:
    after, there, here = head.own, set(base.names), set(head.names)
    for name in [name for name in base.names if name not in here]:
        if name in renamed:
            yield _called(name, after[renamed[name]], bronze=bronze)
        else:
            yield _dropped(name, bronze=bronze)
    for name in [name for name in head.names if name not in there and name not in renamed.values()]:
        yield _added(after[name], bronze=bronze)


def _called(old: str, column: Column, *, bronze: bool) -> Change:
    new, is_required = column.name, _is_required(column)
    message = (
        f"column {old} is renamed to {new}: queries that use the old name fail; add {new} "
        f"and keep both for a time{_STOPS if bronze else ''}"
    )
    if is_required and not bronze:
        message += "; rows already published have no value for it"
    producers: Verdict = "breaking" if is_required or bronze else "compatible"
    difference = Difference(f"columns.{old}", old, new, column.place, (old,))
    return difference.judged("column-renamed", message, producers=producers, consumers="breaking")


def _dropped(name: str, *, bronze: bool) -> Change:
    stops = _STOPS if bronze else ""
    message = f"column {name} is dropped: queries that name it fail; announce its end first{stops}"
    difference = Difference(f"columns.{name}", name, None, ("schema", 0, "properties"), (name,))
    producers: Verdict = "breaking" if bronze else "compatible"
    return difference.judged("column-dropped", message, producers=producers, consumers="breaking")


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
    difference = Difference(
        f"columns.{name}", None, column.written.get("physicalType"), column.place, (name,)
    )
    return difference.judged("column-added", message, producers=verdict, addition=True)


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
        message = f"the columns change places, from {first} on: reading by position gives the wrong column"
        message += "; the header of a CSV file must equal the order" if bronze else ""
    else:
        verdict = "compatible"
        first = next(name for name in after if name not in there)
        message = f"column {first} comes before others: reading by position is off by one; add it at the end"
    difference = Difference("columns", list(before), list(after), ("schema", 0, "properties"))
    yield difference.judged("column-order", message, producers=verdict, consumers="risky")


def _column(before: Column, after: Column, *, bronze: bool) -> Iterator[Change]:
    old, new = before.written, after.written
    if old == new:
        return
    yield from _types(before, after, bronze=bronze)
    yield from _needed(before, after, bronze=bronze)
    yield from _privacy(before, after)
    yield from values.changes(before, after)
    yield from _custom(before, after, bronze=bronze)
    for key in [key for key in {**old, **new} if key not in _JUDGED and old.get(key) != new.get(key)]:
        difference = _difference(after, key, old.get(key), new.get(key))
        yield difference.words() if key in _WORDS else difference.unjudged()


def _difference(column: Column, key: str, was: object, now: object, *, custom: bool = False) -> Difference:
    """Return what both versions say about the column under `key`, which may be that of a custom property."""
    place = (*column.place, "customProperties" if custom else key)
    return Difference(f"columns.{column.name}.{key}", was, now, place, (column.name,))


def _types(before: Column, after: Column, *, bronze: bool) -> Iterator[Change]:
    name = after.name
    old, new = (str(c.written.get("physicalType", "")) for c in (before, after))
    found = types.in_bronze(old, new) if bronze else types.compare(old, new)
    if found:
        yield _difference(after, "physicalType", old, new).judged(
            "type-widened" if found.producers == found.consumers == "compatible" else "type-changed",
            f"column {name} becomes {new} from {old}: {found.reason}",
            producers=found.producers,
            consumers=found.consumers,
            addition=found.addition,
        )
    was, now = before.written.get("logicalType"), after.written.get("logicalType")
    if was != now:
        message = (
            f"column {name}: logicalType becomes {now} from {was}: tools that use it may interpret "
            "values differently"
        )
        difference = _difference(after, "logicalType", was, now)
        yield difference.judged("logical-type-changed", message, consumers="risky")


def _needed(before: Column, after: Column, *, bronze: bool) -> Iterator[Change]:
    refused = "lines without it are refused; see dm contract replay"
    for key, looser, tighter in (
        (
            "required",
            "may be null now: joins and sums lose rows",
            f"may no longer be null: {refused if bronze else f'published rows may be; {RECONCILE}'}",
        ),
        (
            "unique",
            "may repeat now: joins on it multiply rows",
            f"may no longer repeat: published rows may; {RECONCILE}",
        ),
    ):
        was, now = bool(before.written.get(key)), bool(after.written.get(key))
        if was == now:
            continue
        producers: Verdict = "breaking" if now else "compatible"
        consumers: Verdict = "compatible" if now else "breaking"
        yield _difference(after, key, was, now).judged(
            f"{key}-{'added' if now else 'removed'}",
            f"column {after.name} {tighter if now else looser}",
            producers=producers,
            consumers=consumers,
        )


def _privacy(before: Column, after: Column) -> Iterator[Change]:
    name = after.name
    was, now = (str(c.written.get("classification") or "") for c in (before, after))
    if was != now:
        producers, consumers, why = _reclassified(was, now)
        message = f"column {name} is {now or 'unclassified'} instead of {was or 'unclassified'}: {why}"
        difference = _difference(after, "classification", was or None, now or None)
        yield difference.judged("classification-changed", message, producers=producers, consumers=consumers)
    old, new = (list(c.written.get("tags") or []) for c in (before, after))
    difference = _difference(after, "tags", old, new)
    if PERSONAL_TAG in old and PERSONAL_TAG not in new:
        message = (
            f"column {name} loses the tag {PERSONAL_TAG}: policies based on the tag no longer protect it"
        )
        yield difference.judged("pii-tag-removed", message, producers="breaking")
    elif PERSONAL_TAG in new and PERSONAL_TAG not in old:
        message = f"column {name} gets the tag {PERSONAL_TAG}: readers may lose access to it"
        yield difference.judged("pii-tag-added", message, consumers="risky")
    elif set(old) != set(new):
        yield difference.words()


def _reclassified(was: str, now: str) -> tuple[Verdict, Verdict, str]:
    """Judge a higher or lower classification; unknown and absent ones protect nothing."""
    before, after = (_CLASSES.index(c) if c in _CLASSES else 0 for c in (was, now))
    guarded = _CLASSES.index("pseudonym")
    if after < before or not now:
        if before >= guarded:
            return "breaking", "compatible", "protection that people were promised ends"
        return "risky", "compatible", "more people may see it"
    if now == "personal":
        return "compatible", "breaking", "readers lose access to it, or see a token instead"
    return "compatible", "risky", "some readers may lose access to it"


def _custom(before: Column, after: Column, *, bronze: bool) -> Iterator[Change]:
    old, new = before.custom, after.custom
    for key in [key for key in {**old, **new} if old.get(key) != new.get(key)]:
        difference = _difference(after, key, old.get(key), new.get(key), custom=True)
        if key == lifetime.DEPRECATION:
            yield from lifetime.announced(difference)
        elif key == "generated":
            yield difference.words()
        elif key == "rawName":
            yield _read_as(before, after)
        elif key == "token":
            yield from _token(after, bool(old.get(key)), bool(new.get(key)), bronze=bronze)
        elif key == "stateColumn":
            message = f"column {after.name} shows another column of the state table: same name, other values"
            yield difference.judged("source-changed", message, consumers="breaking")
        else:
            yield difference.unjudged()


def _read_as(before: Column, after: Column) -> Change:
    """Judge a change of a column's name in raw files, which is its own name unless stated."""
    was, now = (str(column.custom.get("rawName") or column.name) for column in (before, after))
    if was == now:
        old, new = (column.custom.get("rawName") for column in (before, after))
        return _difference(after, "rawName", old, new, custom=True).words()
    message = (
        f"column {after.name} is read from {now!r} instead of {was!r}: a CSV file with {was!r} is refused,"
        " and JSON records with it are refused or lose the value, also when old files are replayed; add a"
        f" column for {now!r} instead, and let both be null"
    )
    difference = _difference(after, "rawName", was, now, custom=True)
    return difference.judged("raw-name-changed", message, producers="breaking", consumers="risky")


def _token(column: Column, was: bool, now: bool, *, bronze: bool) -> Iterator[Change]:
    name = f"{column.name}_token"
    place = (*column.place, "customProperties")
    difference = Difference(f"columns.{column.name}.token", was, now, place, (column.name, name))
    if was and not now:
        message = f"column {name} is dropped with the token: queries that name it fail"
        yield difference.judged(
            "token-removed",
            f"{message}. {LACKS}: keep the token" if bronze else message,
            producers="breaking" if bronze else "compatible",
            consumers="breaking",
        )
    elif now and not was:
        message = f"column {name} is added: the keyed hash of {column.name}"
        yield difference.judged("token-added", message, addition=True)
