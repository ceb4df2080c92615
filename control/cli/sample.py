"""`dm sample`: land the sample data as a producer would."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from control.cli.output import print_json, print_table

if TYPE_CHECKING:
    from control.sample.landing import Put

MOST_ROWS = 20_000_000
MOST_MONTHS = 240


class Months(click.ParamType):  # type: ignore[type-arg]  # click 8.1 takes none
    """A number of months, or `public`."""

    name = "months"
    counted = click.IntRange(12, MOST_MONTHS)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """Return the placeholder in the help."""
        return "N|public"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert to a number, or return `public`."""
        try:
            return value if value == "public" else self.counted.convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is neither `public` nor a number from 12 to {MOST_MONTHS}.", param, ctx)


@click.group("sample")
def command() -> None:
    """Land sample data as a producer would."""


@command.command(
    epilog="""\b
Examples:
  dm sample land                        two deliveries of 100,000 reviews into the lake's bucket
  dm sample land --delivery 1           only the first one
  dm sample land --out /tmp/lake        into a folder, to look at the files
  dm sample land --chaos 7              the same facts, in more disorder
  dm sample land --rows 1586614 --months public   as many reviews in each month as the public set has
"""
)
@click.option(
    "--rows",
    type=click.IntRange(100, MOST_ROWS),
    default=100_000,
    show_default=True,
    help="Reviews to extract.",
)
@click.option(
    "--delivery",
    type=click.Choice(["1", "2", "all"]),
    default="all",
    show_default=True,
    help="Delivery to land.",
)
@click.option(
    "--months",
    type=Months(),
    default=60,
    show_default=True,
    help=f"Spread the reviews over N months (12 to {MOST_MONTHS}) up to December 2024, or `public`: over the"
    " 186 months of the public data set, with its counts.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--chaos", type=int, metavar="SEED", help="More disorder, repeats and splits; the same facts.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Land in this folder instead of the bucket.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with the breweries, beers and profiles.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one object per raw file as JSON.")
def land(
    rows: int,
    delivery: str,
    months: "int | Literal['public']",
    seed: int,
    chaos: int | None,
    out: Path | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Land raw files of a beer-review shop: real breweries, beers and profiles, generated reviews.

    The first delivery has loads, an extract of all reviews and a day of changes. The second has another day
    of changes, with updates, deletes, repeats, disorder and a few broken lines.
    """
    from control.sample import landing
    from control.sample.delivery import Plan
    from control.sample.reviews import growing
    from control.sample.shop import DATA, open_shop, public_months

    put, source = landing.into_folder(out) if out else into_lake(), data or DATA
    weights = public_months(source) if months == "public" else growing(months)
    shop = open_shop(source, rows=rows, seed=seed, months=weights)
    deliveries = [1, 2] if delivery == "all" else [int(delivery)]
    landed = list(landing.land(shop, Plan(seed, chaos), deliveries, put))
    if as_json:
        print_json(landed)
        return
    files = Counter((file.delivery, file.table) for file in landed)
    sizes: Counter[tuple[int, str]] = Counter()
    for file in landed:
        sizes[file.delivery, file.table] += file.size_bytes
    print_table(
        [
            {"delivery": number, "table": table, "raw_files": count, "size_bytes": sizes[number, table]}
            for (number, table), count in files.items()
        ],
        ["delivery", "table", "raw_files", "size_bytes"],
        empty="Nothing to land.",
    )


def into_lake() -> "Put":
    """Land in the lake's bucket."""
    import os

    from control import wiring
    from control.sample.landing import into_bucket

    parts = wiring.connect(os.environ)
    return into_bucket(parts.objects, parts.settings.bucket)
