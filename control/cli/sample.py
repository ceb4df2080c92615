"""`dm sample`: the sample data, landed as a producer would."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from control.cli.output import print_json, print_table

if TYPE_CHECKING:
    from control.sample.landing import Put

FULL_ROWS = 1_586_614
MOST_MONTHS = 240


@click.group("sample")
def command() -> None:
    """Land sample data as a producer would."""


@command.command(
    epilog="""\b
Examples:
  dm sample land                        two deliveries of 100,000 reviews into the lake's bucket
  dm sample land --delivery 1           only the first one
  dm sample land --out /tmp/lake        into a folder, to look at the files
  dm sample land --chaos 7              the same truth, in more disorder
  dm sample land --rows 1586614 --months 186   as many reviews, over as many months, as the real shop had
"""
)
@click.option(
    "--rows",
    type=click.IntRange(100, FULL_ROWS),
    default=100_000,
    show_default=True,
    help="Reviews to extract.",
)
@click.option(
    "--delivery",
    type=click.Choice(["1", "2", "all"]),
    default="all",
    show_default=True,
    help="Which to land.",
)
@click.option(
    "--months",
    type=click.IntRange(12, MOST_MONTHS),
    default=60,
    show_default=True,
    help="Spread the reviews over so many months, up to December 2024.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--chaos", type=int, metavar="SEED", help="More disorder, repeats and splits; the same truth.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Land in this folder instead of the bucket.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the breweries, beers and profiles.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one object per raw file as JSON.")
def land(
    rows: int,
    delivery: str,
    months: int,
    seed: int,
    chaos: int | None,
    out: Path | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Land raw files of a beer-review shop: real breweries, beers and profiles, generated reviews.

    The first delivery holds loads, an extract of all reviews and a day of changes. The second holds another
    day, with updates, deletes, repeats, disorder and a few broken lines.
    """
    from control.sample import landing
    from control.sample.delivery import Plan
    from control.sample.shop import DATA, open_shop

    put = landing.into_folder(out) if out else into_lake()
    shop = open_shop(data or DATA, rows=rows, seed=seed, months=months)
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
