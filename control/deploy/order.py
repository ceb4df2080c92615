"""The order of stacks, derived from their exports and imports."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from control.deploy.template import Template
from control.errors import NotFoundError, UsageError


def needs(templates: Mapping[str, Template]) -> dict[str, frozenset[str]]:
    """Return the stacks that each stack imports from. Raises UsageError for an import that none exports."""
    exporters: dict[str, str] = {}
    for name, template in templates.items():
        for export in template.exports:
            if export in exporters:
                raise UsageError(f"{export} is exported by {exporters[export]} and by {name}")
            exporters[export] = name
    found = {}
    for name, template in templates.items():
        lacking = template.imports - exporters.keys()
        if lacking:
            raise UsageError(f"{name} imports {', '.join(sorted(lacking))}, which no template exports")
        found[name] = frozenset(exporters[one] for one in template.imports)
    return found


def order(templates: Mapping[str, Template]) -> tuple[str, ...]:
    """Return all stacks, each after those it imports from. Raises UsageError for a cycle."""
    wanted = needs(templates)
    try:
        return tuple(
            TopologicalSorter({name: sorted(wanted[name]) for name in sorted(wanted)}).static_order()
        )
    except CycleError as error:
        raise UsageError(f"these templates import from one another: {' -> '.join(error.args[1])}") from None


def with_needs(chosen: Iterable[str], templates: Mapping[str, Template]) -> tuple[str, ...]:
    """Return `chosen` and all stacks that they need, in order; every stack if none is chosen."""
    wanted = needs(templates)
    return _closure(chosen, wanted, templates)


def with_dependents(chosen: Iterable[str], templates: Mapping[str, Template]) -> tuple[str, ...]:
    """Return `chosen` and all stacks that need them, in the order in which they can be deleted."""
    reverse: dict[str, set[str]] = {name: set() for name in templates}
    for name, needed in needs(templates).items():
        for one in needed:
            reverse[one].add(name)
    return tuple(reversed(_closure(chosen, reverse, templates)))


def _closure(
    chosen: Iterable[str], edges: Mapping[str, Iterable[str]], templates: Mapping[str, Template]
) -> tuple[str, ...]:
    waiting = list(chosen) or list(templates)
    for name in waiting:
        if name not in templates:
            raise NotFoundError(
                f"there is no stack {name!r}", hint=f"the stacks are {', '.join(order(templates))}"
            )
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(edges[name])
    return tuple(name for name in order(templates) if name in found)
