"""Check a document against the Open Data Contract Standard v3.1.0.

The standard's JSON Schema decides, except on unknown keys: it accepts them in several places (description,
servers, roles …), so keys are compared with the fields of the standard's models.
"""

import difflib
import functools
import json
import typing
from collections.abc import Iterator
from importlib import resources
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import open_data_contract_standard
import pydantic
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]
from open_data_contract_standard.model import OpenDataContractStandard, SchemaProperty

from control.contracts import fast_check
from control.contracts.model import Finding
from control.contracts.source import Document, Path

VERSION = "v3.1.0"


def findings(document: Document) -> list[Finding]:
    """Return everything in `document` that the standard does not allow, in the order of its lines."""
    data = document.data
    if not isinstance(data, dict):
        return [document.finding("odcs-type", (), f"a contract is a mapping, not {_shown(data)}")]
    if data.get("apiVersion", VERSION) != VERSION:
        message = f"apiVersion is {_shown(data['apiVersion'])}: only {VERSION} is read here, convert the file"
        return [document.finding("odcs-version", ("apiVersion",), message)]
    rest, doubtful = _apart(data)
    found = {_place(f): f for f in _judged(document, rest, OpenDataContractStandard, ())}
    for path, column in doubtful:
        found |= {_place(f): f for f in _judged(document, column, SchemaProperty, path)}
    # A value of the wrong type also fails its enum, and that finding says more: it lists the allowed values.
    listed = {(f.line, f.column) for f in found.values() if f.code == "odcs-value"}
    kept = [f for f in found.values() if f.code != "odcs-type" or (f.line, f.column) not in listed]
    return sorted(kept, key=_place)


def _place(finding: Finding) -> tuple[int, int, str]:
    return finding.line, finding.column, finding.code


def _apart(data: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[Path, object]]]:
    """Return `data` without its columns, and those columns that the standard may not allow."""
    tables = data.get("schema")
    if not isinstance(tables, list):
        return data, []
    kept, doubtful = list(tables), []
    for number, table in enumerate(tables):
        columns = table.get("properties") if isinstance(table, dict) else None
        if isinstance(columns, list):
            kept[number] = {**table, "properties": []}
            place: Path = ("schema", number, "properties")
            doubtful += [((*place, i), c) for i, c in enumerate(columns) if not fast_check.allowed(c)]
    return {**data, "schema": kept}, doubtful


def _judged(
    document: Document, data: object, model: type[pydantic.BaseModel], path: Path
) -> Iterator[Finding]:
    """Yield the findings about `data`, the part of `document` at `path`, which should be a `model`."""
    yield from _unknown_keys(document, data, model, path)
    for error in _validator(model).iter_errors(data):
        yield from _from_schema(document, error, path)


@functools.cache
def _validator(model: type[pydantic.BaseModel]) -> Any:
    text = resources.files(open_data_contract_standard).joinpath("schema.json").read_text("utf-8")
    schema = json.loads(text)
    whole = jsonschema.validators.validator_for(schema)(schema)
    if model is OpenDataContractStandard:
        return whole
    return whole.evolve(schema={"$ref": f"#/$defs/{model.__name__}"})


def _unknown_keys(
    document: Document, data: object, model: type[pydantic.BaseModel], path: Path
) -> Iterator[Finding]:
    if not isinstance(data, dict):
        return
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    for key, value in data.items():
        if key not in fields:
            yield _unknown_key(document, (*path, key), fields)
            continue
        inner = _model_in(fields[key], of_list=isinstance(value, list))
        if inner is None:
            continue
        items = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, item in items:
            place = (*path, key) if index is None else (*path, key, index)
            yield from _unknown_keys(document, item, inner, place)


def _model_in(annotation: Any, *, of_list: bool) -> type[pydantic.BaseModel] | None:
    """Return the model in `annotation`: directly, or as the items of a list."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return None if of_list else annotation
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is list:
        return _model_in(arguments[0], of_list=False) if of_list else None
    return next((found for a in arguments if (found := _model_in(a, of_list=of_list))), None)


def _unknown_key(document: Document, path: Path, known: typing.Iterable[str]) -> Finding:
    near = difflib.get_close_matches(str(path[-1]), list(known), n=1)
    advice = f"did you mean {near[0]!r}?" if near else "remove it, or put it under customProperties"
    return document.finding("odcs-unknown-key", path, f"{path[-1]!r} is not a key of the standard: {advice}")


def _from_schema(document: Document, error: ValidationError, base: Path) -> Iterator[Finding]:
    path: Path = (*base, *error.absolute_path)
    name = path[-1] if path else "the contract"
    match error.validator:
        case "unevaluatedProperties":  # also raised for known keys when a part of allOf fails
            return
        case "additionalProperties":
            known = error.schema["properties"]
            for key in [k for k in error.instance if k not in known]:
                yield _unknown_key(document, (*path, key), known)
        case "required":
            missing = next(key for key in error.validator_value if key not in error.instance)
            yield document.finding("odcs-missing", path, f"{_owner(path)} lacks {missing!r}: add it")
        case "enum":
            allowed = ", ".join(str(v) for v in error.validator_value)
            message = f"{name} is {_shown(error.instance)}: use one of {allowed}"
            yield document.finding("odcs-value", path, message)
        case "type":
            yield document.finding("odcs-type", path, _type_message(name, error))
        case "oneOf" | "anyOf":
            yield from _from_alternatives(document, error, path, base)
        case _:
            yield document.finding("odcs-value", path, f"{name}: {error.message}")


def _from_alternatives(
    document: Document, error: ValidationError, path: Path, base: Path
) -> Iterator[Finding]:
    choices = [key for option in error.validator_value for key in option.get("required", ())]
    if choices and isinstance(error.instance, dict):
        given = [key for key in choices if key in error.instance]
        what = "gives several of" if len(given) > 1 else "needs one of"
        message = f"{_owner(path)} {what} {', '.join(given if len(given) > 1 else choices)}: give exactly one"
        yield document.finding("odcs-value", path, message)
        return
    depth = len(error.absolute_path)
    deeper = [e for e in error.context or () if len(e.absolute_path) > depth or e.validator != "type"]
    if deeper:
        for inner in deeper:
            yield from _from_schema(document, inner, base)
    else:
        message = f"{path[-1]} is {_shown(error.instance)}: {error.message.splitlines()[0]}"
        yield document.finding("odcs-type", path, message)


def _type_message(name: object, error: ValidationError) -> str:
    wanted = {"string": "text", "array": "a list", "object": "a mapping"}.get(
        error.validator_value, error.validator_value
    )
    advice = "quote it" if wanted == "text" and not isinstance(error.instance, dict | list) else "correct it"
    return f"{name} is {_shown(error.instance)} and must be {wanted}: {advice}"


def _owner(path: Path) -> str:
    """Name the thing at `path`: `properties[3]`, or the contract itself."""
    if not path:
        return "the contract"
    return f"{path[-2]}[{path[-1]}]" if isinstance(path[-1], int) and len(path) > 1 else str(path[-1])


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else repr(value) if isinstance(value, str) else str(value)
