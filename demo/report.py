"""The demo's final report: rows per layer, what was refused and why, a gold table, and the times."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyathena import connect
from rich.console import Console
from rich.table import Table

from demo.steps import ROOT, Steps

LAYERS = ("bronze", "silver", "gold")
BEST_BEERS = """
    select rating_rank, beer_name, beer_style, brewery_name, review_count, avg_rating
    from {prefix}gold.top_beers_by_rating
    where (review_year, review_month) in (
        select (review_year, review_month) from {prefix}gold.top_beers_by_rating
        group by review_year, review_month order by count(*) desc, review_year desc, review_month desc limit 1
    )
    order by rating_rank limit 8
"""


def show(
    console: Console, steps: Steps, files: list[Mapping[str, Any]], missing: list[str], folder: str
) -> None:
    """Print the report; `missing` names the raw files whose records are not all accounted for."""
    console.rule("What is in it now")
    _show_layers(console, steps.env_of("engineer"))
    console.rule("Every record is accounted for" if not missing else "[red]Records are missing[/]")
    _show_accounting(console, files, missing)
    _show_quarantine(console, _quarantined(steps))
    console.rule("Checks")
    _show_checks(console, ROOT / steps.env["DBT_TARGET_PATH"] / "run_results.json")
    console.rule("gold.top_beers_by_rating, the month with the most ranked beers")
    console.print(_table(query(steps.env_of("analyst"), BEST_BEERS)))
    console.rule("Time")
    for title, seconds in steps.seconds.items():
        console.print(f"  {seconds:7.1f} s  {title}", highlight=False)
    console.print(f"  {sum(steps.seconds.values()):7.1f} s  [bold]in all[/]", highlight=False)
    console.rule("What to try next")
    console.print(next_steps(folder), highlight=False, markup=False)


def next_steps(folder: str) -> str:
    """Return the commands to try next, with what they do."""
    steps = {
        f'eval "$(.venv/bin/dm env --dir {folder})"': "point this shell at the demo's cloud",
        ".venv/bin/dm status": "every table: last batch, rows, quarantine",
        ".venv/bin/dm quarantine list": "each refused line, and why",
        ".venv/bin/dm serve": "a panel for whoever is on call, and the commands over HTTP",
        "make docs": "a site of all tables, with the lineage of each column",
        f".venv/bin/dm local down --dir {folder}": "stop the cloud and keep its state",
    }
    width = max(map(len, steps))
    return "\n".join(f"  {typed:<{width}}  {does}" for typed, does in steps.items())


def query(env: Mapping[str, str], sql: str) -> list[dict[str, Any]]:
    """Run `sql` on the Athena of `env`; return one dict per row. `{prefix}` becomes the database prefix."""
    cursor = connect(
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=env.get("AWS_SESSION_TOKEN"),
        work_group=env.get("DM_WORKGROUP", "primary"),
        s3_staging_dir=f"s3://{env.get('DM_BUCKET', 'lake')}/athena-results/",
        poll_interval=0.05,
    ).cursor()
    cursor.execute(sql.format(prefix=env.get("DM_SCHEMA_PREFIX", "")))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _show_layers(console: Console, env: Mapping[str, str]) -> None:
    grid = Table.grid(padding=(0, 4))
    for _ in LAYERS:
        grid.add_column(vertical="top")
    grid.add_row(*(_table(_layer_rows(env, layer), title=layer) for layer in LAYERS))
    console.print(grid)


def _layer_rows(env: Mapping[str, str], layer: str) -> list[dict[str, Any]]:
    listing = "select table_name from information_schema.tables where table_schema = '{prefix}%s'"
    names = query(env, listing % layer)
    tables = sorted(row["table_name"] for row in names if not row["table_name"].endswith("_failures"))
    counts = " union all ".join(
        f"select '{t}' as table_name, count(*) as n from {{prefix}}{layer}.\"{t}\"" for t in tables
    )
    return [{"table": row["table_name"], "rows": row["n"]} for row in query(env, f"{counts} order by 1")]


def _show_accounting(console: Console, files: Sequence[Mapping[str, Any]], missing: Sequence[str]) -> None:
    tables: dict[str, Counter[str]] = {}
    for file in files:
        counts = tables.setdefault(str(file["table"]), Counter())
        counts.update(
            {"files": 1, **{n: int(file[n]) for n in ("records", "rows", "quarantined", "control")}}
        )
    console.print(_table([{"table": name, **counts} for name, counts in sorted(tables.items())]))
    if missing:
        console.print("  not accounted for: " + ", ".join(missing), highlight=False, markup=False)
    else:
        console.print("  records = bronze rows + quarantined + control, for each raw file", highlight=False)


def _quarantined(steps: Steps) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        steps.run_quietly("dm", "quarantine", "list", "--json", role="engineer")
    )
    return found


def _show_quarantine(console: Console, lines: Sequence[Mapping[str, Any]]) -> None:
    console.rule(f"Quarantine: {len(lines):,} lines refused, none lost")
    reasons = Counter((str(line["table"]), str(line["reason"])) for line in lines)
    first = {(str(line["table"]), str(line["reason"])): line for line in reversed(lines)}
    rows = [
        {
            "table": table,
            "reason": reason,
            "lines": count,
            "for example": _place(first[table, reason]),
        }
        for (table, reason), count in sorted(reasons.items())
    ]
    console.print(_table(rows))


def _place(line: Mapping[str, Any]) -> str:
    return f"{Path(str(line['key'])).name}, line {line['line']}"


def _show_checks(console: Console, path: Path) -> None:
    results = json.loads(path.read_text())["results"]
    counts = Counter((r["unique_id"].split(".")[0], r["status"]) for r in results)
    rows = [{"kind": kind, "status": status, "count": n} for (kind, status), n in sorted(counts.items())]
    console.print(_table(rows))
    console.print(
        "  each model's constraints were checked before its rows became visible\n"
        "  a warning counts rows whose parent has not arrived: it may come a batch later",
        highlight=False,
    )


def _table(rows: Sequence[Mapping[str, Any]], title: str = "") -> Table:
    table = Table(box=None, title=title or None, title_justify="left", title_style="bold", pad_edge=False)
    for name in rows[0] if rows else ():
        numeric = all(isinstance(row[name], int) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", header_style="dim")
    for row in rows:
        table.add_row(
            *(f"{v:,}" if isinstance(v, int) else "-" if v is None else str(v) for v in row.values())
        )
    return table
