"""Count the bytes of columns in Iceberg data files, from the manifests, without opening a file."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

from localcloud.athena.iceberg.scans import Planned, Version
from localcloud.athena.translate.reads import Path


def size(version: Version, planned: Sequence[Planned], columns: Collection[Path]) -> int:
    """Return the compressed bytes of the columns' chunks, plus all delete files, which every reader needs.

    Identity partition columns count nothing: Athena reads their values from the manifests.
    """
    ids = set(_leaves_at(columns, version.schema.fields))
    wanted = {number: ids - _constant(spec) for number, spec in version.table.specs().items()}
    deletes = {delete.file_path: delete.file_size_in_bytes for one in planned for delete in one.deletes}
    return sum(_of(one.file, wanted[one.file.spec_id]) for one in planned) + sum(deletes.values())


def _constant(spec: PartitionSpec) -> set[int]:
    return {field.source_id for field in spec.fields if isinstance(field.transform, IdentityTransform)}


def _of(file: DataFile, ids: Collection[int]) -> int:
    """Count a whole file if its writer recorded no column sizes."""
    if not file.column_sizes:
        return file.file_size_in_bytes if ids else 0
    sizes = file.column_sizes
    return sum(sizes.get(id_, 0) for id_ in ids)


def _leaves_at(paths: Collection[Path], fields: Iterable[NestedField]) -> Iterator[int]:
    """Yield the ids of the Parquet columns that `paths` name; none for a name such as `$path`."""
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
