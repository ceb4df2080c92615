"""The requests of a command do not grow with the amount of finished work, except for those listed here.

Requests are counted on fakes: elapsed time says little, and a real year of batches would take too long.
"""

from aged import Asked, Lake, asked, commands, shown

from control.api.endpoints import COMMANDS

# These read finished work, as docs/figures.md says; the list of files ends with its first page.
READ_ALL = {
    "files list --limit 20",
    "ingest replay --table --from --to --dry-run",
    "ingest run --list",
    "status --recount",
}
# These read one file or batch, or neither the control store nor the bucket.
ELSEWHERE = {
    "files redrive",
    "quarantine held",
    "doctor",
    "reconcile",
    "cost show",
    "cost record",
    "lineage show",
    "lineage impact",
    "maintain plan",
    "maintain run",
    "maintain free",
}


def test_commands_make_no_more_requests_on_an_old_lake_than_on_a_young_one() -> None:
    young, old = Lake(400, 2), Lake(800, 2)
    grown: dict[str, tuple[Asked, Asked]] = {}
    seen = set()
    for line, same in zip(commands(young), commands(old), strict=True):
        costs = asked(young, *line), asked(old, *same)
        seen.add(" ".join(line[:2] if line[0] != "status" else line[:1]))
        if costs[0] != costs[1]:
            grown[shown(line)] = costs
    assert grown.keys() == READ_ALL, grown
    assert seen | ELSEWHERE == {*COMMANDS, "contract replay"}
