"""Draft a new table: its bronze and silver contracts, and the two silver models."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from control.contracts import hive, placeholders, skeleton, technical
from control.contracts.infer import KEY_TYPES, Found, Shape, plain
from control.contracts.model import Column, Contract
from control.contracts.render_dbt import dump
from control.contracts.reserved_words import RESERVED
from control.errors import DataError

_TRINO = {
    "string": "varchar", "timestamp": "timestamp(6)", "int": "integer", "float": "real",
    "binary": "varbinary",
}  # fmt: skip


def files(table: str, silver: str, shape: Shape, source: str) -> dict[str, str]:
    """Return path in the repository -> text, for a new bronze table `table` and the silver view `silver`.

    Raises DataError when the raw file has a column that no contract may have, or none that can be a key.
    """
    called = names(table, shape, source)
    found = key(shape, source)
    columns = tuple(_found(column, called[column.name], found) for column in shape.columns)
    source = f"{shape.records:,} records of {source}"
    bronze = skeleton.NOTE.format(source=source) + dump(_bronze(table, silver, columns, shape))
    return {f"contracts/bronze/{table}.yaml": bronze, **_silver_files(table, silver, columns, source, {})}


def names(table: str, shape: Shape, source: str) -> dict[str, str]:
    """Map each column name of a raw file to its name in `table`: `Order` becomes `parcel_order`.

    Raises DataError when a name would be empty or not unique.
    """
    called = {column.name: _called(column.name, table) for column in shape.columns}
    made = {f"{called[c.name]}_us" for c in shape.columns if c.type == "timestamp"}
    made |= {f"{called[c.name]}_token" for c in shape.columns if c.personal and c.type == "string"}
    called = {raw: f"{table}_{name}" if name in made else name for raw, name in called.items()}
    listed = list(called.values())
    wrong = [raw for raw, name in called.items() if not name or listed.count(name) > 1]
    if wrong:
        raise DataError(
            f"columns {', '.join(map(repr, wrong))} of {source} would have an empty name, or the same name",
            hint="rename them where the file is written, or write the contract by hand, with their rawName",
        )
    return called


def _called(raw: str, table: str) -> str:
    name = plain(raw)
    taken = name in RESERVED or name in technical.PARTITION_KEYS or name[:1].isdigit()
    return f"{table}_{name}" if taken else name


def silver_files(bronze: Contract, silver: str, held: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return path in the repository -> text, for the silver view `silver` and its state table over `bronze`.

    What an earlier draft, `held`, says is kept, except for the columns. Personal columns without a token are
    only in the state table. Raises DataError when such a column is part of the key, or when there is no key.
    """
    bare = [c.name for c in bronze.columns if c.key and c.is_hidden]
    if bare:
        raise DataError(
            f"{', '.join(bare)} of {bronze.home} is part of the key and personal, but has no token that"
            " silver could show",
            hint="make it a string with the custom property token: true",
        )
    if not bronze.key:
        raise DataError(
            f"{bronze.home} has no key", hint="mark its columns with primaryKey and primaryKeyPosition"
        )
    return _silver_files(bronze.table, silver, bronze.columns, bronze.home, held or {})


def key(shape: Shape, source: str) -> tuple[Found, ...]:
    """Choose the columns of the key.

    If the deletes of a log omit columns, the key is all columns that they have. Otherwise it is
    `shape.together`, or one column: in an extract one without duplicates, if there is any; in a log, or if
    there is none, one that is never empty. Names that end in `id` come first, then other names that keys
    have, then columns that are not personal. Raises DataError when no column qualifies.
    """
    shown = _deletes_show_the_key(shape)
    able_types = (*KEY_TYPES, "timestamp", "boolean") if shown else KEY_TYPES
    able = [c for c in shape.columns if c.everywhere and c.type in able_types]
    if shape.together:
        return tuple(c for c in shape.columns if c.name in shape.together)
    if not able:
        types = ", ".join(KEY_TYPES)
        raise DataError(
            f"no column of {source} can be the key: none of {types} has a value in every record",
            hint="give a file in which the key is never empty, or write the contract by hand",
        )
    if shown:
        return tuple(able)
    pool = [c for c in able if c.distinct and not shape.is_log] or able
    ranked = sorted(pool, key=lambda c: (not plain(c.name).endswith("id"), not c.has_key_name, c.personal))
    return tuple(ranked[:1])


def is_guess(shape: Shape, key: Sequence[Found]) -> bool:
    """Whether `key` is a guess, because the file does not show that it is the key."""
    if shape.is_log:
        return not _deletes_show_the_key(shape) or len(key) < sum(c.everywhere for c in shape.columns)
    return not shape.together and not any(c.distinct for c in key)


def _deletes_show_the_key(shape: Shape) -> bool:
    return shape.is_log and any(c.required and not c.everywhere for c in shape.columns)


def is_drafted_personal(column: Found, key: Sequence[Found]) -> bool:
    """Whether the column is drafted as personal; not a key without a token, which no view could show."""
    return column.personal and (column.type == "string" or column not in key)


def _found(column: Found, name: str, key: Sequence[Found]) -> Column:
    personal = is_drafted_personal(column, key)
    return Column(
        name=name,
        type=column.type,
        logical_type="",
        description=placeholders.column(name),
        required=column.required,
        key=key.index(column) + 1 if column in key else 0,
        raw_name=column.name if column.name != name else "",
        classification="personal" if personal else "public",
        token=personal and column.type == "string",
    )


def _silver_files(
    table: str, silver: str, columns: Sequence[Column], source: str, held: Mapping[str, Any]
) -> dict[str, str]:
    contract = skeleton.keeping(_silver(table, silver, columns), held)
    return {
        f"contracts/silver/{silver}.yaml": skeleton.NOTE.format(source=source) + dump(contract),
        f"models/silver/{silver}_state.sql": _state_sql(table, columns),
        f"models/silver/{silver}.sql": _view_sql(table, silver, columns),
    }


def _bronze(table: str, silver: str, columns: Sequence[Column], shape: Shape) -> dict[str, object]:
    words = (
        f"Keep every change of {table}, typed and in order.",
        f"Source of silver.{silver}.",
        "A history, not a current state: order by (_seq, _rev), never by arrival.",
    )
    contract = skeleton.contract(
        "bronze", table, name=f"{table}, as it arrived", consumer=f"silver.{silver}", words=words
    )
    custom = {"position": shape.position, "unknownKeys": "freeze", "absent": "quarantine", **shape.settings}
    properties = [skeleton.column(c, _raw_custom(c)) for c in columns]
    return contract | {
        "schema": [skeleton.table(table, "table", "One row per record that arrived.", custom, properties)]
    }


def _silver(table: str, silver: str, columns: Sequence[Column]) -> dict[str, object]:
    words = (
        f"Show the current {silver}.",
        f"Join by {' and '.join(_key(columns))}.",
        "Deleted ones are left out.",
    )
    contract = skeleton.contract(
        "silver", silver, name=f"Current {silver}", consumer=placeholders.CONSUMER, words=words
    )
    properties = []
    for column in (c for c in columns if not c.is_hidden):
        shown = skeleton.column(
            column, {"stateColumn": technical.token_column(column).name} if column.token else {}
        )
        properties.append(shown | {"classification": "pseudonym"} if column.token else shown)
    custom: Mapping[str, object] = {"bronze": f"bronze.{table}", "stateTable": f"{silver}_state"}
    return contract | {
        "schema": [skeleton.table(silver, "view", f"One row per {table}.", custom, properties)]
    }


def _raw_custom(column: Column) -> dict[str, object]:
    named: dict[str, object] = {"rawName": column.raw_name} if column.raw_name else {}
    return named | ({"token": True} if column.token else {})


def _key(columns: Sequence[Column]) -> list[str]:
    return [c.name for c in sorted((c for c in columns if c.key), key=lambda c: c.key)]


def _state_sql(table: str, columns: Sequence[Column]) -> str:
    names = _key(columns)
    key = repr(names[0] if len(names) == 1 else names)
    casts = _casts([*_raw(columns), *technical.STATE.items()])
    return (
        f"-- One row per {table}: the latest version that the source has sent us, deleted ones included.\n"
        f"{{{{ config(unique_key={key}, update_condition=newer_wins()) }}}}\n\n"
        f"with changes as (\n    select * from {{{{ source('bronze', '{table}') }}}}\n"
        "    where {{ new_batches() }}\n),\n\n"
        f"latest as (\n    {{{{ latest_by_sequence('changes', key={key}, "
        f"events=source('bronze', '{table}_events')) }}}}\n)\n\n"
        f"select\n{casts}\nfrom latest\n"
    )


def _raw(columns: Sequence[Column]) -> Iterator[tuple[str, str]]:
    for column in columns:
        yield column.name, column.type
        if column.token:
            token = technical.token_column(column)
            yield token.name, token.type


def _view_sql(table: str, silver: str, columns: Sequence[Column]) -> str:
    shown = [
        (technical.token_column(c).name if c.token else c.name, c.type, c.name)
        for c in columns
        if not c.is_hidden
    ]
    casts = ",\n".join(f"    cast({was} as {_trino(kind)}) as {name}" for was, kind, name in shown)
    return (
        f"-- One row per {table} that the source has not deleted.\n"
        "{{ config(materialized='view') }}\n\n"
        f"select\n{casts}\nfrom {{{{ live(ref('{silver}_state')) }}}} as {silver}\n"
    )


def _casts(columns: list[tuple[str, str]]) -> str:
    return ",\n".join(f"    cast({name} as {_trino(kind)}) as {name}" for name, kind in columns)


def _trino(kind: str) -> str:
    """Return the Hive type as Athena's SQL writes it."""
    name, nested, inner = kind.partition("<")
    if not nested:
        return _TRINO.get(kind, kind.replace(",", ", "))
    parts = hive.split(inner.removesuffix(">"))
    if name == "struct":
        fields = (part.partition(":") for part in parts)
        return f"row({', '.join(f'{_quoted(field)} {_trino(of)}' for field, _, of in fields)})"
    return f"{name}({', '.join(_trino(part) for part in parts)})"


def _quoted(field: str) -> str:
    return f'"{field}"' if field in RESERVED else field
