"""The control store in one DynamoDB table.

An item's partition is its kind and table (`file#review`), its sort key its id. Items that still need work
carry `open_pk`, the key of a sparse index: finding work never reads what is done. So do, each in a partition
of their own, batches that failed and those that left something behind. Batches that refused records stay at
hand for good, in an index of their own; version 0.1.0 puts them into that of work, so both are asked. An
index may lag, so it is a hint and no proof.

Where several tables are looked at, one page of the whole index of work names all that is at hand, if that is
little.
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
    """An index of the items that have `key`: the partition in it where they are."""

    name: str
    key: str


WORK = Index("open", "open_pk")
# Apart, as with the years these would be all that a look at the work reads.
REFUSED = Index("refused", "refused_pk")
INDICES = (WORK, REFUSED)
# What DynamoDB says of an index that is not there, and what moto says.
WITHOUT_INDEX = ("does not have the specified index", "Invalid index")
# What DynamoDB gives in one answer at most, when it is asked for items by key.
MOST_KEYS = 100
# So many are asked one by one.
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
        """Make the table, or the indices that an older version did not make; wait until it can be used."""
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
        """Add `index` to the table; no error where another process has just done so."""
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
            # Whole items take ten times as long to read, and consistent ones cost twice as much.
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
        """The items of `keys` that are there, in no order."""
        left = list(keys)
        while left:
            asked, left = left[:MOST_KEYS], left[MOST_KEYS:]
            with self._translated():
                answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": asked, **options}})
            # What made the answer too large is asked for again.
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
                    f"{where}: lacks an index, as an older version made it",
                    hint="bring its stack to this version: dm deploy apply ENVIRONMENT control",
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
    # All heads share one partition, so that the tables the store knows are one query.
    name = "head" if kind is Head else f"{KINDS[kind]}#{table}"
    return name if place in (None, "open") else f"{place}#{name}"


def _names_of_indices(table: Mapping[str, Any]) -> set[str]:
    return {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", ())}


def _merged(pages: Iterable[Page[ItemT]]) -> Page[ItemT]:
    """The items of pages that were all asked from one place on, each once and in order of id."""
    found = list(pages)
    ends = [page.after for page in found if page.after is not None]
    after = min(ends) if ends else None
    items = {item.id: item for page in found for item in page.items}
    return Page(tuple(items[one] for one in sorted(items) if after is None or one <= after), after)


def _index(place: Place) -> Index:
    return REFUSED if place == "quarantined" else WORK


def _at_hand(item: Item) -> dict[str, str | None]:
    """The partition of `item` in each index by its key, None where it is not in it."""
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
    """Fields that `new` has otherwise than `old`, as records."""
    before, after = to_record(old), to_record(new)
    return {name: value for name, value in after.items() if value != before[name]}


def _expressions(old: Item, new: Item, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Condition on the fence of `old`, and the update that makes it `new`."""
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
