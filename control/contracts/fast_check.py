"""Check columns fast: the standard certainly allows a column that passes.

The standard's JSON Schema takes 1 ms per column, these types 3 µs. They allow less than the schema, which
decides about the rest. A property test shows that they never allow what the schema refuses.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

_Id = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$")]
_Count = Annotated[int, Meta(ge=0)]
_Number = int | float
_Value = str | int | float | bool | list[Any] | dict[str, Any] | None
_Column = r"[a-z_][a-z0-9_]*"
_Reference = Annotated[
    str, Meta(pattern=rf"^[A-Za-z0-9._\-/]+\.yaml#/schema/{_Column}/properties/{_Column}$")
]
_Dimension = Literal[
    "accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"
]


class _Written(Struct, forbid_unknown_fields=True, rename="camel"):
    """A mapping whose every key is known; a default only says that the key may be absent."""


class _Custom(_Written, kw_only=True):
    property: str
    value: _Value
    description: str = ""


class _Link(_Written, kw_only=True):
    to: _Reference
    type: Literal["foreignKey"] = "foreignKey"


class _Rule(_Written, tag_field="type", kw_only=True):
    id: _Id = ""
    name: str = ""
    description: str = ""
    dimension: _Dimension = "accuracy"
    severity: str = ""
    business_impact: str = ""
    unit: str = ""


class _Library(_Rule, tag="library", kw_only=True):
    metric: Literal["nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"]
    must_be: _Value
    arguments: dict[str, Any] = {}


class _Engine(_Rule, tag="custom", kw_only=True):
    engine: str
    implementation: str | dict[str, Any]


class _Property(_Written, tag_field="logicalType", kw_only=True):
    name: str
    id: _Id = ""
    physical_type: str = ""
    physical_name: str = ""
    description: str = ""
    business_name: str = ""
    required: bool = False
    unique: bool = False
    primary_key: bool = False
    primary_key_position: int = 0
    partitioned: bool = False
    partition_key_position: int = 0
    classification: str = ""
    critical_data_element: bool = False
    transform_source_objects: list[str] = []
    transform_logic: str = ""
    transform_description: str = ""
    tags: list[str] = []
    examples: list[_Value] = []
    custom_properties: list[_Custom] = []
    relationships: list[_Link] = []
    quality: list[_Library | _Engine] = []


class _OfText(_Written):
    min_length: _Count = 0
    max_length: _Count = 0
    pattern: str = ""
    format: str = ""


class _OfTime(_Written):
    minimum: str = ""
    maximum: str = ""
    exclusive_minimum: str = ""
    exclusive_maximum: str = ""
    format: str = ""


class _OfNumber(_Written):
    minimum: _Number = 0
    maximum: _Number = 0
    exclusive_minimum: _Number = 0
    exclusive_maximum: _Number = 0


class _Text(_Property, tag="string", kw_only=True):
    logical_type_options: _OfText = field(default_factory=_OfText)


class _Date(_Property, tag="date", kw_only=True):
    logical_type_options: _OfTime = field(default_factory=_OfTime)


class _Timestamp(_Property, tag="timestamp", kw_only=True):
    logical_type_options: _OfTime = field(default_factory=_OfTime)


class _Integer(_Property, tag="integer", kw_only=True):
    logical_type_options: _OfNumber = field(default_factory=_OfNumber)


class _Real(_Property, tag="number", kw_only=True):
    logical_type_options: _OfNumber = field(default_factory=_OfNumber)


class _Boolean(_Property, tag="boolean", kw_only=True):
    pass


_SURE = _Text | _Date | _Timestamp | _Integer | _Real | _Boolean


def allowed(column: object) -> bool:
    """Whether the standard certainly allows `column`; if False, its schema has to decide."""
    try:
        msgspec.convert(column, _SURE)
    except msgspec.ValidationError:
        return False
    return True
