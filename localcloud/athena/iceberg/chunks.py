"""How many bytes of Iceberg's data files are of which columns: manifests say it, no file is opened."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

from localcloud.athena.iceberg.scans import Planned, Version
from localcloud.athena.translate.reads import Path


def size(version: Version, planned: Sequence[Planned], columns: Collection[Path]) -> int:
    """Compressed bytes of the columns' chunks, and whole delete files, which all readers need.

    What a table is partitioned by as it is, Athena has from the manifests, too.
    """
    ids = set(_leaves_at(columns, version.schema.fields))
    wanted = {number: ids - _constant(spec) for number, spec in version.table.specs().items()}
    deletes = {delete.file_path: delete.file_size_in_bytes for one in planned for delete in one.deletes}
    return sum(_of(one.file, wanted[one.file.spec_id]) for one in planned) + sum(deletes.values())


def _constant(spec: PartitionSpec) -> set[int]:
    return {field.source_id for field in spec.fields if isinstance(field.transform, IdentityTransform)}


def _of(file: DataFile, ids: Collection[int]) -> int:
    """Of a file whose writer kept no sizes, all of it."""
    if not file.column_sizes:
        return file.file_size_in_bytes if ids else 0
    sizes = file.column_sizes
    return sum(sizes.get(id_, 0) for id_ in ids)


def _leaves_at(paths: Collection[Path], fields: Iterable[NestedField]) -> Iterator[int]:
    """The columns of Parquet that hold what the paths name; none for a name such as `$path`."""
    by_name = {field.name.lower(): field for field in fields}
    for name, *rest in filter(None, paths):
        field = by_name.get(name)
        if field is None:
            continue
        if rest and isinstance(field.field_type, StructType):
            yield from _leaves_at([tuple(rest)], field.field_type.fields)
        else:
            yield from _leaves(field.field_id, field.field_type)


def _leaves(id_: int, type_: IcebergType) -> Iterator[int]:
    match type_:
        case StructType():
            for field in type_.fields:
                yield from _leaves(field.field_id, field.field_type)
        case ListType():
            yield from _leaves(type_.element_id, type_.element_type)
        case MapType():
            yield from _leaves(type_.key_id, type_.key_type)
            yield from _leaves(type_.value_id, type_.value_type)
        case _:
            yield id_
