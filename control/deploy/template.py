"""Read CloudFormation templates: what they ask for, what they make, and what they give one another."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from control.errors import NotFoundError, UsageError

# The most that CloudFormation takes without a bucket.
BODY_BYTES = 51_200
# An output whose description is one of these is a setting of `dm` and dbt.
SETTING_PREFIX = "DM_"


@dataclass(frozen=True)
class Template:
    """One template; its name is the last part of its stack's name."""

    name: str
    content: Mapping[str, Any]

    @cached_property
    def body(self) -> str:
        """The template as it is sent: JSON without comments, in the order of the file."""
        return json.dumps(self.content, separators=(",", ":"))

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """What it declares, by name."""
        found: Mapping[str, Mapping[str, Any]] = self.content.get("Parameters", {})
        return found

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """What it makes, by logical id."""
        found: Mapping[str, Mapping[str, Any]] = self.content["Resources"]
        return found

    @property
    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """What it tells, by name."""
        found: Mapping[str, Mapping[str, Any]] = self.content.get("Outputs", {})
        return found

    @cached_property
    def exports(self) -> frozenset[str]:
        """The names that others may import, as they are written."""
        return frozenset(
            _name_of(output["Export"]["Name"]) for output in self.outputs.values() if "Export" in output
        )

    @cached_property
    def imports(self) -> frozenset[str]:
        """The names that it imports, as they are written."""
        return frozenset(_name_of(found) for found in _values_of(self.content, "Fn::ImportValue"))


def read(folder: Path) -> dict[str, Template]:
    """Read all templates of `folder`, by name. Raises NotFoundError, UsageError."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise NotFoundError(f"there is no template in {folder}", hint="name the folder with --infra")
    found = {file.stem: Template(file.stem, _load(file)) for file in files}
    for file in files:
        # Such as change capture of some two hundred tables: what is rendered into it has no bound.
        if (size := len(found[file.stem].body.encode())) > BODY_BYTES:
            raise UsageError(
                f"{file} has {size:,} bytes as JSON, and CloudFormation takes {BODY_BYTES:,}",
                hint="divide it into two templates, of which one imports what the other exports",
            )
    return found


def holds_data(resource: Mapping[str, Any]) -> bool:
    """Whether CloudFormation is told to keep the resource when its stack or its place in it goes."""
    return bool(resource.get("DeletionPolicy", "Delete") != "Delete")


def captures_nothing(template: Template) -> bool:
    """Whether it has a task of change capture without a table, as `dm contract sync` may leave it."""
    return any(
        one["Type"] == "AWS::DMS::ReplicationTask" and one["Properties"]["TableMappings"] == '{"rules": []}'
        for one in template.resources.values()
    )


def _load(file: Path) -> Mapping[str, Any]:
    try:
        content = yaml.load(file.read_text(), _Loader)  # noqa: S506 - it makes plain values only
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not YAML: {error}") from None
    if not isinstance(content, dict) or "Resources" not in content:
        raise UsageError(f"{file} is no template: it has no Resources")
    return content


def _name_of(value: object) -> str:
    """A name as it is written: two that are the same text are the same name in one environment."""
    return str(value["Fn::Sub"]) if isinstance(value, dict) and "Fn::Sub" in value else str(value)


def _values_of(value: object, function: str) -> Iterator[object]:
    if isinstance(value, Mapping):
        if function in value:
            yield value[function]
        for inner in value.values():
            yield from _values_of(inner, function)
    elif isinstance(value, list):
        for inner in value:
            yield from _values_of(inner, function)


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, `!Ref X` for `{"Ref": "X"}`."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> object:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = str(loader.construct_scalar(node))
        return {name: text.split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    raise UsageError(f"!{suffix} stands before something that is no value")


_Loader.add_multi_constructor("!", _short_form)
