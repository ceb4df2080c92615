"""Land deliveries in the lake's bucket, as a producer would, or in a folder to look at."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from control.ports import ObjectStore
from control.sample.delivery import Plan, first_delivery, second_delivery
from control.sample.shop import Shop

DELIVERIES = {1: first_delivery, 2: second_delivery}

# Writes a raw file's bytes under its key, and returns their location.
Put = Callable[[str, bytes], str]


@dataclass(frozen=True, slots=True)
class Landed:
    """A raw file that has landed at `uri`."""

    delivery: int
    table: str
    uri: str
    size_bytes: int


def land(shop: Shop, plan: Plan, deliveries: Iterable[int], put: Put) -> Iterator[Landed]:
    """Land `deliveries` of `shop`, one file after the other; the same shop and plan land the same bytes."""
    for delivery in deliveries:
        for file in DELIVERIES[delivery](shop, plan):
            yield Landed(delivery, file.key.split("/")[1], put(file.key, file.body), len(file.body))


def into_bucket(objects: ObjectStore, bucket: str) -> Put:
    """Land in `bucket`."""

    def put(key: str, body: bytes) -> str:
        uri = f"s3://{bucket}/{key}"
        objects.put(uri, body)
        return uri

    return put


def into_folder(folder: Path) -> Put:
    """Land under `folder`, which stands for the bucket."""

    def put(key: str, body: bytes) -> str:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return str(path)

    return put
