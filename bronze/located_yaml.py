"""YAML with line numbers, so that errors in a contract can name the line."""

from collections.abc import Iterator
from typing import Any

import yaml

from bronze.errors import ContractError


class Located(dict[str, Any]):
    """A YAML mapping. `line` is the line where it starts, `lines` the line of each key, counted from 1."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """Return the line of `key`, or of the mapping if the key is absent."""
        return self.lines.get(key, self.line)


class _RepeatedKeyError(Exception):
    def __init__(self, key: str, line: int) -> None:
        super().__init__(key)
        self.key = key
        self.line = line


# The C loader reads a contract in 1.2 ms instead of 14; not every build of PyYAML has it.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    pass


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[Located]:
    # Yielded before it is filled, as PyYAML requires for nodes that refer to themselves.
    found = Located(node.start_mark.line + 1)
    yield found
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key, line = str(loader.construct_object(key_node, deep=True)), key_node.start_mark.line + 1
        if key in found:
            raise _RepeatedKeyError(key, line)
        found[key] = loader.construct_object(value_node, deep=True)
        found.lines[key] = line


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read(text: str, file: str) -> Any:
    """Read `text`; mappings become `Located`. Raises ContractError for invalid YAML or a repeated key."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise ContractError(file, line, f"not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ContractError(file, None, f"not valid YAML: {error}") from error
    except _RepeatedKeyError as error:
        raise ContractError(file, error.line, f"the key `{error.key}` is given twice") from error
