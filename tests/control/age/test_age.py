"""What a command asks of a lake does not grow with what is done, but where that is said here.

Requests are counted, on fakes: seconds say little, and a year of batches takes long to make.
"""

from aged import Asked, Lake, asked, commands, shown

from control.api.endpoints import COMMANDS

# These read what is done, which docs/figures.md says; the list of files ends with its first page.
READ_ALL = {
    "files list --limit 20",
    "ingest replay --table --from --to --dry-run",
    "ingest run --list",
    "status --recount",
}
# These ask of one file or batch, or nothing of the control store and the bucket.
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


def test_an_old_lake_is_asked_no_more_than_a_young_one() -> None:
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
