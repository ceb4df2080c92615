"""The control store in one DynamoDB table.

An item's partition key is its kind and table (`file#review`), its sort key its id. Items that still need work
have `open_pk`, the key of a sparse index, so finding work never reads finished items. The index also has,
each in partitions of their own, failed batches, batches with leftovers to sweep, and overwritten files.
Batches with refused records stay in an index of their own permanently; version 0.1.0 puts them into the work
index, so both are queried. An index may lag behind: it is a hint, not proof.

To look at several tables, one page of the whole work index is read first; it is enough if there is little
work.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from control.adapters.aws import client, translated
from control.config import Settings
from control.errors import ConflictError, ControlError, UsageError
from control.model import Batch, Head, Item, Place, RawFile, Reload, Stray, already, fenced, place_of
from control.ports import ITEMS_A_SHELF, ItemT, Page, Shelf
from control.serialization import from_record, to_record


@dataclass(frozen=True, slots=True)
class Index:
    """A sparse index of the items that have the attribute `key`, which is its partition key."""

    name: str
    key: str


WORK = Index("open", "open_pk")
# Separate, because these only accumulate: in time they would dominate every read of the work index.
REFUSED = Index("refused", "refused_pk")
INDICES = (WORK, REFUSED)
# The messages of DynamoDB and of moto about a missing index.
WITHOUT_INDEX = ("does not have the specified index", "Invalid index")
# The maximum number of keys of BatchGetItem.
MOST_KEYS = 100
# Up to this many shelves are queried one by one.
FEW_SHELVES = 2
KINDS: dict[type[Item], str] = {
    RawFile: "file",
    Batch: "batch",
    Head: "head",
    Reload: "reload",
    Stray: "stray",
}

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class DynamoStore:
    """A control store in DynamoDB."""

    def __init__(self, settings: Settings) -> None:
        self._table = settings.control_table
        self._endpoint = settings.endpoint
        self._client = client(settings, "dynamodb")

    def ensure(self) -> None:
        """Create the table and wait until it is usable, or add the indices that an older version lacks."""
        with self._translated():
            try:
                found = self._client.describe_table(TableName=self._table)["Table"]
            except self._client.exceptions.ResourceNotFoundException:
                self._create_table()
                return
        for index in INDICES:
            if index.name not in _names_of_indices(found):
                self._add(index)

    def _add(self, index: Index) -> None:
        """Add `index` to the table; not an error if another process has just done so."""
        try:
            with self._translated():
                self._client.update_table(
                    TableName=self._table,
                    AttributeDefinitions=_attributes("pk", "sk", *(index.key for index in INDICES)),
                    GlobalSecondaryIndexUpdates=[{"Create": _described(index)}],
                )
        except ControlError:
            with self._translated():
                found = self._client.describe_table(TableName=self._table)["Table"]
            if index.name not in _names_of_indices(found):
                raise

    def _create_table(self) -> None:
        with suppress(self._client.exceptions.ResourceInUseException):
            self._client.create_table(
                TableName=self._table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=_attributes("pk", "sk", *(index.key for index in INDICES)),
                KeySchema=_keys("pk"),
                GlobalSecondaryIndexes=[_described(index) for index in INDICES],
            )
        self._client.get_waiter("table_exists").wait(
            TableName=self._table, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )

    def get(self, kind: type[ItemT], table: str, item_id: str) -> ItemT | None:
        """See ControlStore."""
        with self._translated():
            answer = self._client.get_item(
                TableName=self._table, Key=_key(kind, table, item_id), ConsistentRead=True
            )
        return _item(kind, answer["Item"]) if "Item" in answer else None

    def create(self, item: Item) -> bool:
        """See ControlStore."""
        attributes = {name: _serialize(value) for name, value in to_record(item).items() if value is not None}
        attributes |= _key(type(item), item.table, item.id)
        attributes |= {key: {"S": at} for key, at in _at_hand(item).items() if at is not None}
        try:
            with self._translated():
                self._client.put_item(
                    TableName=self._table, Item=attributes, ConditionExpression="attribute_not_exists(pk)"
                )
        except ConflictError:
            return False
        return True

    def update(self, old: ItemT, new: ItemT) -> ItemT:
        """See ControlStore."""
        kind = type(new)
        changes = _changes(old, new)
        try:
            with self._translated():
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=_key(kind, old.table, old.id),
                    ReturnValues="ALL_NEW",
                    **_expressions(old, new, changes),
                )
        except ConflictError:
            stored = self.get(kind, old.table, old.id)
            if stored is not None and already(stored, new, changes):
                return stored
            raise ConflictError(f"{KINDS[kind]} {old.id} of {old.table} has moved on") from None
        return _item(kind, answer["Attributes"])

    def query(
        self,
        kind: type[ItemT],
        table: str,
        *,
        place: Place | None = None,
        after: str | None = None,
        limit: int = 2_000,
    ) -> Page[ItemT]:
        """See ControlStore."""
        if place != "quarantined":
            return self._page(kind, table, place, WORK if place else None, after, limit)
        return _merged([self._page(kind, table, place, index, after, limit) for index in INDICES])

    def _page(
        self,
        kind: type[ItemT],
        table: str,
        place: Place | None,
        index: Index | None,
        after: str | None,
        limit: int,
    ) -> Page[ItemT]:
        name = index.key if index else "pk"
        partition = {"S": _partition(kind, table, place)}
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#pk = :pk",
            "ExpressionAttributeNames": {"#pk": name},
            "ExpressionAttributeValues": {":pk": partition},
            "Limit": limit,
        }
        if index:
            request["IndexName"] = index.name
        else:
            request["ConsistentRead"] = True
        if after is not None:
            request["ExclusiveStartKey"] = {**_key(kind, table, after), name: partition}
        with self._translated():
            answer = self._client.query(**request)
        last = answer.get("LastEvaluatedKey")
        return Page(tuple(_item(kind, found) for found in answer["Items"]), last["sk"]["S"] if last else None)

    def get_many(self, kind: type[ItemT], table: str, item_ids: Iterable[str]) -> dict[str, ItemT]:
        """See ControlStore."""
        keys = [_key(kind, table, item_id) for item_id in dict.fromkeys(item_ids)]
        return {item["sk"]["S"]: _item(kind, item) for item in self._batch_get(keys, ConsistentRead=True)}

    def at_hand(self, shelves: Collection[Shelf]) -> dict[Shelf, tuple[str, ...]] | None:
        """See ControlStore."""
        if len(shelves) <= FEW_SHELVES:
            return None
        most = ITEMS_A_SHELF * len(shelves)
        with self._translated():
            answer = self._client.scan(
                TableName=self._table,
                IndexName=WORK.name,
                ProjectionExpression=f"{WORK.key}, sk",
                Limit=most + 1,
            )
        if len(answer["Items"]) > most or "LastEvaluatedKey" in answer:
            return None
        wanted = {_partition(*shelf): shelf for shelf in shelves}
        found: dict[Shelf, list[str]] = {}
        for item in answer["Items"]:
            if shelf := wanted.get(item[WORK.key]["S"]):
                found.setdefault(shelf, []).append(item["sk"]["S"])
        return {shelf: tuple(sorted(ids)) for shelf, ids in found.items()}

    def etags(self, table: str, after: str | None = None) -> tuple[dict[str, str], str | None]:
        """See ControlStore."""
        partition = {"S": _partition(RawFile, table)}
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": partition},
            # Reading whole items takes ten times as long, and consistent reads cost twice as much.
            "ProjectionExpression": "sk, etag",
        }
        if after is not None:
            request["ExclusiveStartKey"] = {"pk": partition, "sk": {"S": after}}
        with self._translated():
            answer = self._client.query(**request)
        last = answer.get("LastEvaluatedKey")
        found = {item["sk"]["S"]: item["etag"]["S"] for item in answer["Items"]}
        return found, last["sk"]["S"] if last else None

    def etags_of(self, wanted: Mapping[str, Collection[str]]) -> dict[str, str]:
        """See ControlStore."""
        keys = [_key(RawFile, table, file_id) for table, ids in wanted.items() for file_id in ids]
        found = self._batch_get(keys, ProjectionExpression="sk, etag")
        return {item["sk"]["S"]: item["etag"]["S"] for item in found}

    def _batch_get(self, keys: Iterable[Mapping[str, Any]], **options: Any) -> Iterator[Mapping[str, Any]]:
        """Yield the items of `keys` that exist, in no particular order."""
        left = list(keys)
        while left:
            asked, left = left[:MOST_KEYS], left[MOST_KEYS:]
            with self._translated():
                answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": asked, **options}})
            # Keys that were left out because the response was too large.
            left += answer["UnprocessedKeys"].get(self._table, {}).get("Keys", [])
            yield from answer["Responses"].get(self._table, [])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        where = f"control table {self._table}"
        with translated(where, self._endpoint):
            try:
                yield
            except ClientError as error:
                if not any(words in str(error) for words in WITHOUT_INDEX):
                    raise
                raise UsageError(
                    f"{where}: lacks an index, because an older version created it",
                    hint="update its stack: dm deploy apply ENVIRONMENT control",
                ) from error


def _keys(partition: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]


def _attributes(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def _described(index: Index) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": _keys(index.key),
        "Projection": {"ProjectionType": "ALL"},
    }


def _partition(kind: type[Item], table: str, place: Place | None = None) -> str:
    # All heads share one partition, so that one query lists all tables.
    name = "head" if kind is Head else f"{KINDS[kind]}#{table}"
    return name if place in (None, "open") else f"{place}#{name}"


def _names_of_indices(table: Mapping[str, Any]) -> set[str]:
    return {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", ())}


def _merged(pages: Iterable[Page[ItemT]]) -> Page[ItemT]:
    """Merge pages that start at the same id into one: each item once, in order of id."""
    found = list(pages)
    ends = [page.after for page in found if page.after is not None]
    after = min(ends) if ends else None
    items = {item.id: item for page in found for item in page.items}
    return Page(tuple(items[one] for one in sorted(items) if after is None or one <= after), after)


def _index(place: Place) -> Index:
    return REFUSED if place == "quarantined" else WORK


def _at_hand(item: Item) -> dict[str, str | None]:
    """Return the partition of `item` in each index, by the index's key; None if it is not in it."""
    place = place_of(item)
    here = {_index(place).key: _partition(type(item), item.table, place)} if place else {}
    return {index.key: here.get(index.key) for index in INDICES}


def _key(kind: type[Item], table: str, item_id: str) -> dict[str, Any]:
    return {"pk": {"S": _partition(kind, table)}, "sk": {"S": item_id}}


def _item(kind: type[ItemT], attributes: Mapping[str, Any]) -> ItemT:
    known = {field.name for field in fields(kind)}
    record = {name: _deserialize(value) for name, value in attributes.items() if name in known}
    return from_record(kind, record)


def _changes(old: Item, new: Item) -> dict[str, Any]:
    """Return the fields in which `new` differs from `old`, as record values."""
    before, after = to_record(old), to_record(new)
    return {name: value for name, value in after.items() if value != before[name]}


def _expressions(old: Item, new: Item, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition on the fence of `old`, and the update to `new`."""
    before = to_record(old)
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    conditions = ["attribute_exists(pk)"]
    for index, name in enumerate(fenced(old)):
        names[f"#f{index}"] = name
        if before[name] is None:
            conditions.append(f"attribute_not_exists(#f{index})")
        else:
            values[f":f{index}"] = _serialize(before[name])
            conditions.append(f"#f{index} = :f{index}")
    targets = {**changes, **_at_hand(new)}
    assign, remove = [], []
    for index, (name, value) in enumerate(targets.items()):
        names[f"#u{index}"] = name
        if value is None:
            remove.append(f"#u{index}")
        else:
            values[f":u{index}"] = _serialize(value)
            assign.append(f"#u{index} = :u{index}")
    update = " ".join(
        f"{verb} {', '.join(parts)}" for verb, parts in (("SET", assign), ("REMOVE", remove)) if parts
    )
    expressions: dict[str, Any] = {
        "ConditionExpression": " AND ".join(conditions),
        "UpdateExpression": update,
        "ExpressionAttributeNames": names,
    }
    return {**expressions, "ExpressionAttributeValues": values} if values else expressions
