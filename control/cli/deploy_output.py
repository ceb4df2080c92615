"""What `dm deploy` prints for people: plans, costs, states and progress."""

from collections.abc import Mapping, Sequence

import click

from control.cli.output import print_table
from control.deploy import apply, prices
from control.deploy.apply import Planned, Removal
from control.deploy.prices import Line
from control.deploy.template import Template, holds_data
from control.stacks import ResourceChange

PLAN = ["stack", "state", "add", "change", "replace", "remove", "to_do"]
COSTS = ["stack", "what", "count", "dollars_a_month"]
STATES = ["stack", "state", "usable", "apply_would", "reason"]


def print_plan(found: Sequence[Planned], environment: str) -> None:
    """Print what would happen to each stack, then the changes of existing stacks in detail."""
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
            click.echo(f"refused: {one.name}.{change.logical} holds data and would be removed", err=True)
    changing = [one.name for one in found if _to_do(one) != "nothing"]
    if changing:
        click.echo(f"{len(changing)} of {len(found)} stacks would change: dm deploy apply {environment} …")
    else:
        click.echo("Nothing would change.")


def print_costs(lines: Sequence[Line]) -> None:
    """Print the estimated costs, their sum, and what is not estimated."""
    known = [one for one in lines if one.dollars is not None]
    rows = [
        {
            "stack": one.stack,
            "what": one.what,
            "count": one.count,
            # As wide as the heading, so that the decimal points are aligned.
            "dollars_a_month": f"{one.dollars:>15,.2f}",
        }
        for one in known
    ]
    click.echo("")
    print_table(rows, COSTS, empty="Nothing here has a known fixed price.")
    click.echo(
        f"{prices.total(lines):,.2f} dollars a month in fixed costs, at list prices of us-east-1"
        " (infra/prices.yaml)"
    )
    unknown = sorted({one.what.removeprefix("AWS::") for one in lines if one.dollars is None})
    if unknown:
        click.echo(f"not estimated (billed by use, or no public price): {', '.join(unknown)}")


def print_states(rows: Sequence[Mapping[str, str]]) -> None:
    """Print the state of each stack."""
    shown = [
        {
            **row,
            "usable": row["next"] == "update",
            # Only a change set can tell whether anything differs; `dm deploy plan` creates one.
            "apply_would": "update what differs" if row["next"] == "update" else row["next"],
            "reason": row["reason"] or None,
        }
        for row in rows
    ]
    print_table(shown, STATES, empty="There is no stack.")
    there = sum(row["state"] != "ABSENT" for row in rows)
    click.echo(f"{there} of {len(rows)} stacks exist")


def print_removals(
    removals: Sequence[Removal], templates: Mapping[str, Template], *, with_data: bool
) -> None:
    """Print what `destroy` would do to each stack and its data, and which data it cannot know of."""
    for one in removals:
        fate = "will be deleted" if one.goes else "stays, because its keys have no name to find them by"
        click.echo(f"{one.name}: {fate}", err=True)
        for logical, kind, physical in one.kept:
            fate = "DELETED WITH ITS DATA" if with_data else "stays"
            click.echo(f"  {logical} ({kind}) {physical}: {fate}", err=True)
    known = {one.name for one in removals}
    absent = [
        name
        for name, one in templates.items()
        if name not in known and any(holds_data(resource) for resource in one.resources.values())
    ]
    if with_data and absent and any(kind == "AWS::KMS::Key" for one in removals for _, kind, _ in one.kept):
        click.echo(
            f"not deployed: {', '.join(absent)}. Data that an earlier destroy left of them stays, and cannot"
            " be read without the keys. To delete it too, apply these stacks first",
            err=True,
        )


def progress(event: str, fields: Mapping[str, object]) -> str:
    """Return an event as a line of progress for people."""
    words = {
        "stack.changing": "{stack}: {changes} to change",
        "stack.changed": "{stack}: {status}",
        "stack.unchanged": "{stack}: no changes",
        "stack.deleted": "{stack}: deleted",
        "stack.kept": "{stack}: stays",
        "stack.healing": "{stack} is {status}: {step}",
        "resource.event": "  {stack}.{resource}: {status}",
        "data.deleted": "  {resource}: deleted with its data ({id})",
        "data.left": "  {resource}: not deleted, delete it yourself ({id})",
        "package.known": "{key} is already uploaded",
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
