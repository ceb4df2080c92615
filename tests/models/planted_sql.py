"""Bugs that someone might write into the SQL, as patches of the project's own files."""

import shutil
from pathlib import Path

from planting import Edit
from project_sources import ROOT

LATEST = "macros/merge/latest_by_sequence.sql"
SENT = "macros/merge/sent_rows.sql"
BEATS = "macros/merge/beats.sql"
WINS = "macros/merge/newer_wins.sql"
FLOOR = "macros/merge/floor_of.sql"
GROUPS = "macros/affected/changed_groups.sql"
MONTHS = "macros/affected/affected_months.sql"
CHANGED = "macros/affected/changes_since.sql"
FLAT = "models/silver/review_flat.sql"
OFFSET = "macros/consumed/last_consumed.sql"
NOTHING = "macros/consumed/nothing_new.sql"
RECORD = "macros/consumed/record_consumed.sql"
PROJECT = "dbt_project.yml"


BUGS = {
    "no sequence guard": (
        Edit(LATEST, "{{ beats('ranked', 'held', content) }}", "true"),
        Edit(
            WINS, "(src._seq > target._seq or (src._seq = target._seq and src._rev >= target._rev))", "true"
        ),
    ),
    "the revision is compared before the sequence": (
        Edit(LATEST, "order by _seq desc, _rev desc", "order by _rev desc, _seq desc"),
        Edit(
            BEATS,
            "when {{ row }}._seq <> {{ other }}._seq then {{ row }}._seq > {{ other }}._seq\n"
            "            when {{ row }}._rev <> {{ other }}._rev then {{ row }}._rev > {{ other }}._rev",
            "when {{ row }}._rev <> {{ other }}._rev then {{ row }}._rev > {{ other }}._rev\n"
            "            when {{ row }}._seq <> {{ other }}._seq then {{ row }}._seq > {{ other }}._seq",
        ),
        Edit(
            WINS,
            "(src._seq > target._seq or (src._seq = target._seq and src._rev >= target._rev))",
            "(src._rev > target._rev or (src._rev = target._rev and src._seq >= target._seq))",
        ),
    ),
    "the first of two records at one place wins": (Edit(LATEST, "_hash desc, ", ""),),
    "tombstones are not kept": (
        Edit(LATEST, "where ranked._rank = 1", "where ranked._rank = 1 and not ranked._deleted"),
    ),
    "a tombstone keeps what its delete sent": (
        Edit(SENT, "{%- set kept = value if column in keys else ", "{%- set kept = value if true else "),
    ),
    "a delete wins by its hash alone": (
        Edit(LATEST, "_deleted desc, ", ""),
        Edit(BEATS, "when {{ row }}._deleted <> {{ other }}._deleted then {{ row }}._deleted\n", "\n"),
    ),
    "the old key of a changed key stays": (Edit(SENT, "where _key_before is not null", "where false"),),
    "a floor does not delete existing rows": (
        Edit(FLOOR, "'rose': row[0] != '' and row[0] == row[1]", "'rose': false"),
    ),
    "a floor is forgotten after its build": (Edit(FLOOR, "'place': row[0]", "'place': row[1]"),),
    "the key of the merge has a column that changes": (
        Edit(FLAT, "unique_key='review_id'", "unique_key=['review_id', 'review_month']"),
    ),
    "a late beer does not reach its reviews": (
        Edit(FLAT, "or flat.beer_id in (select new_beers.beer_id from new_beers)", ""),
    ),
    "the old version of a review is that of the last run": (
        Edit(
            CHANGED,
            "coalesce(data._build.max, '~') >= since.since",
            "data._build.max = (select max(data._build.max) from {{ metadata_table(table, 'partitions') }})",
        ),
    ),
    "the month that a review has left is not recomputed": (
        Edit("macros/affected/months_left.sql", "{{ held }}._month is null or", "true or"),
    ),
    "the previous month of a review is not looked up": (Edit(MONTHS, "left != '0'", "false"),),
    "of the months in one partition only the first is read": (
        Edit(MONTHS, "first | int, last | int", "first | int, first | int"),
    ),
    "reviews of a changed parent are left out": (
        Edit(
            FLAT, "not any_new([ref('beers_state'), ref('breweries_state'), ref('profiles_state')])", "true"
        ),
    ),
    "gold only gains groups": (Edit(GROUPS, "full outer join held", "left join held"),),
    "an emptied group is not deleted": (Edit(GROUPS, "count ~ ' = 0'", "count ~ ' < 0'"),),
    "deleted reviews count": (
        Edit("macros/affected/affected_rows.sql", "where not _deleted", "where reviewed_at is null or true"),
    ),
    "the offset is taken from the model's own rows": (
        Edit(
            OFFSET,
            "graph.offsets.get((this.identifier, name, table_uuid), 0)",
            "run_query('select coalesce(max(_batch), 0) from ' ~ this).rows[0][0]"
            " if '_batch' in table_columns() else graph.offsets.get((this.identifier, name, table_uuid), 0)",
        ),
    ),
    "models of one input share an offset": (
        Edit(
            OFFSET,
            "graph.offsets.get((this.identifier, name, table_uuid), 0)",
            "(graph.offsets.items() | selectattr('0.1', 'equalto', name)"
            " | map(attribute=1) | list + [0]) | max",
        ),
    ),
    "the offset is recorded before the data": (Edit(PROJECT, "+post-hook:", "+pre-hook:"),),
    "the offset is read when the model ends": (
        Edit(
            RECORD,
            "(mark.head if mark.kind == 'batch' else 'cast(null as bigint)')",
            "(run_query('select max(batch) from \"'"
            " ~ mark.input.replace('.', '\".\"') ~ '$partitions\"').rows[0][0]"
            " if mark.kind == 'batch' and mark.input.startswith('bronze')"
            " else mark.head if mark.kind == 'batch' else 'cast(null as bigint)')",
        ),
    ),
    "nothing is new if one input has nothing new": (
        Edit(
            NOTHING,
            "mark.head != mark.consumed or not mark.consumed -%}{{ return(false) }}",
            "mark.head == mark.consumed -%}{{ return(true) }}",
        ),
    ),
    "gold is appended": (
        Edit(PROJECT, "+schema: gold", "+schema: gold\n      +incremental_strategy: append"),
    ),
    "an open reload is a floor": (
        Edit(
            FLOOR,
            "('truncate-table', 'reload-complete')",
            "('truncate-table', 'reload-complete', 'reload-begin')",
        ),
    ),
    "only a truncate is a floor": (
        Edit(FLOOR, "('truncate-table', 'reload-complete')", "('truncate-table')"),
    ),
    "a row at the floor is below it": (Edit(SENT, "or _seq < '\"", "or _seq <= '\""),),
    "a record that was read again does not win": (Edit(LATEST, "_rev desc, ", ""),),
    "a brewery's new name does not reach its reviews": (
        Edit(FLAT, "or flat.brewery_id in (select new_breweries.brewery_id from new_breweries)", ""),
    ),
    "a deleted parent still exists": (
        Edit("models/silver/beers.sql", "live(ref('beers_state'))", "ref('beers_state')"),
    ),
    "a beer needs 30 reviews": (
        Edit("models/gold/top_beers_by_rating.sql", "having count(*) >= 25", "having count(*) >= 30"),
    ),
    "one person too many is among the first hundred": (
        Edit("models/gold/top_drinkers.sql", "drinker_rank <= 100", "drinker_rank <= 101"),
    ),
    "ranks are ordered with ties": (
        Edit(
            "models/gold/top_drinkers.sql",
            "order by review_count desc, profile_id asc",
            "order by review_count desc",
        ),
    ),
}


def planted(name: str, folder: Path) -> Path:
    """Return a copy of the project in `folder` with the bug in it."""
    for part in ("macros", "models"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "dbt_project.yml", folder)
    for edit in BUGS[name]:
        path = folder / edit.file
        path.write_text(edit.on(path.read_text()))
    return folder
