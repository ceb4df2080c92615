"""Read CloudFormation templates: parameters, resources, outputs, exports and imports."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from control.errors import NotFoundError, UsageError

# CloudFormation's limit for a template that is not in a bucket.
BODY_BYTES = 51_200
# An output whose description starts with this is a setting for `dm` and dbt.
SETTING_PREFIX = "DM_"


@dataclass(frozen=True)
class Template:
    """One template; its name is the last part of the stack's name."""

    name: str
    content: Mapping[str, Any]

    @cached_property
    def body(self) -> str:
        """The template as it is sent: JSON without comments, in the order of the file."""
        return json.dumps(self.content, separators=(",", ":"))

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """Its parameters, by name."""
        found: Mapping[str, Mapping[str, Any]] = self.content.get("Parameters", {})
        return found

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """Its resources, by logical id."""
        found: Mapping[str, Mapping[str, Any]] = self.content["Resources"]
        return found

    @property
    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """Its outputs, by name."""
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
        # Change capture of some two hundred tables would exceed this: the list of tables is rendered into it.
        if (size := len(found[file.stem].body.encode())) > BODY_BYTES:
            raise UsageError(
                f"{file} has {size:,} bytes as JSON; CloudFormation's limit is {BODY_BYTES:,}",
                hint="split it into two templates, one of which imports what the other exports",
            )
    return found


def holds_data(resource: Mapping[str, Any]) -> bool:
    """Whether the template tells CloudFormation to retain the resource (DeletionPolicy)."""
    return bool(resource.get("DeletionPolicy", "Delete") != "Delete")


def captures_nothing(template: Template) -> bool:
    """Whether it has a change capture task without any table, as rendered if no contract names one."""
    return any(
        one["Type"] == "AWS::DMS::ReplicationTask" and one["Properties"]["TableMappings"] == '{"rules": []}'
        for one in template.resources.values()
    )


def _load(file: Path) -> Mapping[str, Any]:
    try:
        content = yaml.load(file.read_text(), _Loader)  # noqa: S506 - it creates plain values only
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not YAML: {error}") from None
    if not isinstance(content, dict) or "Resources" not in content:
        raise UsageError(f"{file} is not a template: it has no Resources")
    return content


def _name_of(value: object) -> str:
    """Return a name as written; within one environment, equal texts are equal names."""
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
    raise UsageError(f"!{suffix} is followed by something that is not a value")


_Loader.add_multi_constructor("!", _short_form)
