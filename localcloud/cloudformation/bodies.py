"""Parse templates: JSON, or YAML with the short forms of functions."""

import json
from typing import Any

import yaml

from localcloud.cloudformation.errors import ValidationError


def read(text: str) -> dict[str, Any]:
    """Return the template in `text`. Raises ValidationError."""
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _Loader)  # noqa: S506
    except (ValueError, yaml.YAMLError) as error:
        raise ValidationError(f"Template format error: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("Resources"), dict):
        raise ValidationError("Template format error: At least one Resources member must be defined.")
    return content


class _Loader(yaml.SafeLoader):
    """YAML in which `!Ref X` stands for `{"Ref": "X"}`."""


def _short(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> object:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if not isinstance(node, yaml.MappingNode):
        raise ValidationError(f"Template format error: !{suffix} is not followed by a value")
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short)
