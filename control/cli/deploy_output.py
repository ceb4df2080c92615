"""What `dm deploy` prints for people: plans, costs, states and progress."""

from collections.abc import Mapping, Sequence

import click

from control.cli.output import print_table
from control.deploy import apply, prices
from control.deploy.apply import Doomed, Planned
from control.deploy.prices import Line
from control.deploy.template import Template, holds_data
from control.stacks import ResourceChange

PLAN = ["stack", "state", "add", "change", "replace", "remove", "to_do"]
COSTS = ["stack", "what", "count", "dollars_a_month"]
STATES = ["stack", "state", "usable", "apply_would", "reason"]


def print_plan(found: Sequence[Planned], environment: str) -> None:
    """Each stack and what would happen to it, then what of an existing one would change and why."""
    rows = [
        {
            "stack": one.name,
            "state": one.status or "ABSENT",
            **apply.summary(one.changes),
            "to_do": _to_do(one),
        }
        for one in found
    ]
    print_table(rows, PLAN, empty="There is no stack.")
    for one in found:
        for name, before, after in one.values:
            click.echo(f"  {one.name}: {name} is {before or 'empty'} and becomes {after or 'empty'}")
        if one.step == "update":
            for change in one.changes:
                click.echo(f"  {one.name}.{change.logical}: {_words(change)}")
        for change in one.refused:
            click.echo(f"refused: {one.name}.{change.logical} holds data and would go out of use", err=True)
    changing = [one.name for one in found if _to_do(one) != "nothing"]
    if changing:
        click.echo(f"{len(changing)} of {len(found)} stacks would change: dm deploy apply {environment} …")
    else:
        click.echo("Nothing would change.")


def print_costs(lines: Sequence[Line]) -> None:
    """What is estimated, its sum, and what is not."""
    known = [one for one in lines if one.dollars is not None]
    rows = [
        {
            "stack": one.stack,
            "what": one.what,
            "count": one.count,
            # As wide as the heading, so that the points stand under one another.
            "dollars_a_month": f"{one.dollars:>15,.2f}",
        }
        for one in known
    ]
    click.echo("")
    print_table(rows, COSTS, empty="Nothing here has a known price for being there.")
    click.echo(
        f"{prices.total(lines):,.2f} dollars a month for being there, at list prices of us-east-1"
        " (infra/prices.yaml)"
    )
    unknown = sorted({one.what.removeprefix("AWS::") for one in lines if one.dollars is None})
    if unknown:
        click.echo(f"not estimated, since it costs by use or has no public price here: {', '.join(unknown)}")


def print_states(rows: Sequence[Mapping[str, str]]) -> None:
    """Each stack's state."""
    shown = [
        {
            **row,
            "usable": row["next"] == "update",
            # Whether anything differs only a change set tells: that is `dm deploy plan`.
            "apply_would": "update what differs" if row["next"] == "update" else row["next"],
            "reason": row["reason"] or None,
        }
        for row in rows
    ]
    print_table(shown, STATES, empty="There is no stack.")
    there = sum(row["state"] != "ABSENT" for row in rows)
    click.echo(f"{there} of {len(rows)} stacks are there")


def print_doomed(doomed: Sequence[Doomed], templates: Mapping[str, Template], *, with_data: bool) -> None:
    """What destroying would do to each stack and its data, and which data it cannot know of."""
    for one in doomed:
        goes = "goes" if one.goes else "stays, for its keys have no name to find them by"
        click.echo(f"{one.name}: {goes}", err=True)
        for logical, kind, physical in one.kept:
            fate = "DELETED WITH ITS DATA" if with_data else "stays"
            click.echo(f"  {logical} ({kind}) {physical}: {fate}", err=True)
    known = {one.name for one in doomed}
    absent = [
        name
        for name, one in templates.items()
        if name not in known and any(holds_data(resource) for resource in one.resources.values())
    ]
    if with_data and absent and any(kind == "AWS::KMS::Key" for one in doomed for _, kind, _ in one.kept):
        click.echo(
            f"not deployed: {', '.join(absent)}. What an earlier destroy left of their data stays, and"
            " without the keys nobody can read it: to delete it too, apply them first",
            err=True,
        )


def progress(event: str, fields: Mapping[str, object]) -> str:
    """One line of progress for a person."""
    words = {
        "stack.changing": "{stack}: {changes} to change",
        "stack.changed": "{stack}: {status}",
        "stack.unchanged": "{stack}: nothing changes",
        "stack.deleted": "{stack}: deleted",
        "stack.kept": "{stack}: stays",
        "stack.healing": "{stack} is {status}: {step}",
        "resource.event": "  {stack}.{resource}: {status}",
        "data.deleted": "  {resource}: deleted with its data ({id})",
        "data.left": "  {resource}: left to you ({id})",
        "package.known": "{key} is there already",
        "package.uploaded": "{key} uploaded, {size_bytes:,} bytes",
    }
    text = words[event].format(**fields) if event in words else f"{event}: {_joined(fields)}"
    return f"{text}: {fields['reason']}" if fields.get("reason") else text


def _joined(fields: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in fields.items())


def _to_do(one: Planned) -> str:
    return "nothing" if one.step == "update" and not one.changes else one.step


def _words(change: ResourceChange) -> str:
    done = {"True": "replaced", "Conditional": "perhaps replaced"}.get(
        change.replacement, change.action.lower()
    )
    return f"{done} ({', '.join(change.properties)})" if change.properties else done
