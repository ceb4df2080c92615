"""Bugs to plant into a copy of the core, and a judge of whether the simulation catches them.

`python tests/control/simulation/planted.py --seeds 5 --histories 2000` prints how many histories each took.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Bug:
    """A piece of the core's source to replace by a wrong one; `old` occurs once in `path`."""

    name: str
    path: str
    old: str
    new: str


BUGS = (
    Bug(
        "an error is written without the epoch",
        "control/ingest/claim.py",
        "    return write(held, wanted, parts)\n\n\ndef split",
        "    now = parts.store.get(Batch, held.table, held.batch_id) or held\n"
        '    return parts.store.update(now, replace(now, state="pending", lease_expires_at=None))\n'
        "\n\ndef split",
    ),
    Bug(
        "a claim does not raise the epoch",
        "control/ingest/claim.py",
        "            epoch=batch.epoch + 1,\n",
        "",
    ),
    Bug(
        "a worker that was fenced off writes again under the new epoch",
        "control/ingest/claim.py",
        "        raise StaleEpochError("
        'f"batch {held.batch_id} was taken over from epoch {held.epoch}") from error',
        "        now = parts.store.get(Batch, held.table, held.batch_id) or held\n"
        "        return parts.store.update(now, replace(wanted, epoch=now.epoch))",
    ),
    Bug(
        "attempts are counted when they end",
        "control/ingest/claim.py",
        "            attempts=batch.attempts + 1,\n",
        "",
    ),
    Bug(
        "attempts that failed by themselves are not held against a batch",
        "control/ingest/claim.py",
        "attempts=held.attempts if counts else held.attempts - 1",
        "attempts=held.attempts - 1",
    ),
    Bug(
        "a batch is closed before its files have moved",
        "control/ingest/claim.py",
        "    children = []\n",
        '    parts.store.update(batch, replace(batch, state="split"))\n    children = []\n',
    ),
    Bug(
        "a batch is published without a look at what the engine wrote",
        "control/ingest/parse.py",
        "    _verify(order, report, parts)\n",
        "",
    ),
    Bug(
        "a batch takes files that belong to another",
        "control/ingest/parse.py",
        "    own = tuple(file for file in files if assign(file, batch, parts))\n",
        "    own = tuple(files)\n",
    ),
    Bug(
        "a file is taken away from the batch that has it",
        "control/ingest/plan.py",
        "while owner is not None and owner.batch_id in (None, batch.parent or None):",
        "while owner is not None and owner.batch_id != batch.batch_id:",
    ),
    Bug(
        "a poison file takes the others with it",
        "control/ingest/parse.py",
        "    if refused and len(files) > 1:",
        "    if refused and len(files) > 9:",
    ),
    Bug(
        "what was registered is not pinned to its content",
        "control/ingest/parse.py",
        "                etag=file.etag,\n",
        "",
    ),
    Bug(
        "what was written over a published file is taken for it",
        "control/ingest/overwritten.py",
        'if file.version_id != "null" or is_published(batch, parts):',
        'if file.version_id != "null":',
    ),
    Bug(
        "what was overwritten before it was read is never read",
        "control/ingest/parse.py",
        "    if batch.epoch == 1:\n",
        "    if batch.epoch:\n",
    ),
    Bug(
        "an overwriting is told of for ever",
        "control/ingest/overwritten.py",
        "                parts.store.update(file, replace(file, overwritten=told[file.file_id]))\n",
        "                pass\n",
    ),
    Bug(
        "the number is counted before the last publication has ended",
        "control/ingest/publish.py",
        "    intent = _intent(batch, head, table, manifest, parts)\n",
        "    intent = _intent(batch, replace(head, number=count), table, manifest, parts)\n",
    ),
    Bug(
        "a new intent overwrites an open one",
        "control/ingest/publish.py",
        "        head = settle(written.table, parts)\n",
        "        head = parts.store.get(Head, written.table, written.table) or Head(written.table)\n",
    ),
    Bug(
        "the head is moved on before the partition is there",
        "control/ingest/publish.py",
        "            for partition in head.intent.partitions:\n"
        "                parts.catalog.add_partition(partition)\n"
        "            wanted = replace(head, number=head.intent.number, tally=head.coming)\n",
        "            wanted = replace(head, number=head.intent.number, tally=head.coming)\n"
        "            parts.store.update(head, replace(wanted, intent=None, coming=None))\n"
        "            for partition in head.intent.partitions:\n"
        "                parts.catalog.add_partition(partition)\n",
    ),
    Bug(
        "whoever rolls an intent forward computes its date anew",
        "control/ingest/publish.py",
        "                parts.catalog.add_partition(partition)\n",
        "                today = parts.clock.now().date().isoformat()\n"
        "                values = (today, partition.values[1])\n"
        "                parts.catalog.add_partition(replace(partition, values=values))\n",
    ),
    Bug(
        "an unknown outcome is taken for a failure",
        "control/ingest/publish.py",
        "        except ConflictError:\n            continue\n        return True\n",
        "        except ConflictError:\n            continue\n"
        "        except UpstreamError:\n            return False\n"
        "        return True\n",
    ),
    Bug(
        "the rows appear before the events",
        "control/ingest/publish.py",
        "(events, rows) if manifest",
        "(rows, events) if manifest",
    ),
    Bug(
        "two attempts share a folder",
        "control/orders.py",
        'return f"{self.batch_id}-e{self.epoch}"',
        "return self.batch_id",
    ),
    Bug(
        "a file is the same whatever its version",
        "control/model.py",
        "for part in (bucket, key, version_id):",
        "for part in (bucket, key):",
    ),
    Bug(
        "an event that comes twice makes two files",
        "control/ingest/register.py",
        "            file_id=file_id,\n",
        "            file_id=file_id[:40] + parts.clock.now().strftime('%H%M%S%f'),\n",
    ),
    Bug(
        "the sweeper takes away what a worker is writing",
        "control/model.py",
        '("claimed", "written", "published", "failed")',
        '("written", "published", "failed")',
    ),
    Bug(
        "a file of a reload forgets the position of the snapshot",
        "control/ingest/parse.py",
        "position=reload.position_of(file, parts)",
        "position=None",
    ),
    Bug(
        "a reload is complete before what it lists is published",
        "control/ingest/reload.py",
        '    if batch is None or counts is None or batch.state != "published":\n'
        '        return "is not published"\n',
        '    if batch is None or counts is None:\n        return "" if batch else "is not published"\n',
    ),
    Bug(
        "a reload is complete without what is in quarantine",
        "control/ingest/reload.py",
        "    if counts.quarantined and file.waived != batch.batch_id:",
        "    if counts.quarantined > counts.rows:",
    ),
    Bug(
        "a batch that failed is told of only by who saw it fail",
        "control/model.py",
        "        return self.needs_work or self.untold\n",
        "        return self.needs_work\n",
    ),
    Bug(
        "a redrive by who did not see that people were told lets them hear nothing of the next failure",
        "control/model.py",
        '("state", "epoch", "told")',
        '("state", "epoch")',
    ),
    Bug(
        "a record that is published again counts twice",
        "control/tally.py",
        "        counts -= before or Counts()\n",
        "",
    ),
    Bug(
        "a bucket that was listed once is not listed again",
        "control/ingest/run.py",
        "    return abs(since.total_seconds()) >= work.rules.relist_seconds\n",
        "    return False\n",
    ),
    Bug(
        "where too much is at hand for one look, nothing is",
        "control/ports.py",
        "    return set(shelves if held is None else held)\n",
        "    return set(held or ())\n",
    ),
    Bug(
        "a raw file waits where its table has no batch",
        "control/ingest/run.py",
        '    if (RawFile, table.name, "open") in held:\n',
        "    if found:\n",
    ),
    Bug(
        "a lost event is lost",
        "control/ingest/listing.py",
        "            new += _register(",
        "            new += len(known.etags) % 3 > 0 and _register(",
    ),
    Bug(
        "what nobody ingests is told of for ever",
        "control/ingest/strays.py",
        "                parts.store.update(stray, replace(stray, told=True))\n",
        "                pass\n",
    ),
    Bug(
        "who looks at the bucket reads afterwards what is remembered",
        "control/ingest/strays.py",
        "    wanted = list(seen.strays(parts.clock.now()))\n",
        "    wanted, before = list(seen.strays(parts.clock.now())), remembered(parts)\n",
    ),
    Bug(
        "a late notification tells of what is gone",
        "control/ingest/strays.py",
        "    if (old is None or old.gone) and _is_there(found, parts):\n",
        "    if old is None or old.gone:\n",
    ),
    Bug(
        "what nobody ingests is not remembered to be gone",
        "control/ingest/strays.py",
        "replace(old, count=0, examples=(), gone=True)",
        "replace(old, count=0, examples=())",
    ),
    Bug(
        "tokens of another key are published",
        "control/ingest/publish.py",
        "        if not _fits(batch, head):\n",
        "        if False:\n",
    ),
    Bug(
        "a key that came back brings its old batches back",
        "control/ingest/publish.py",
        "    return (batch.token_key, batch.rekeyed) == (head.token_key, head.rekeyed)\n",
        "    return batch.token_key == head.token_key\n",
    ),
    Bug(
        "whoever publishes does not see that the key changes meanwhile",
        "control/model.py",
        '("number", "intent", "rekeyed")',
        '("number", "intent")',
    ),
    Bug(
        "a key is changed while a publication is under way",
        "control/ingest/keys.py",
        "    head = settle(table.name, parts)\n    if head",
        "    head = parts.store.get(Head, table.name, table.name) or settle(table.name, parts)\n    if head",
    ),
    Bug(
        "a worker with another key parses what it cannot publish",
        "control/ingest/run.py",
        "                keys.check(table, heads[table.name], parts.settings)\n",
        "                pass\n",
    ),
)
# The second change that some bugs need.
EXTRA = {
    "the sweeper takes away what a worker is writing": Bug(
        "",
        "control/ingest/sweep.py",
        "    if batch.epoch == epoch and batch.needs_work:",
        "    if not batch.table:",
    ),
    "the number is counted before the last publication has ended": Bug(
        "",
        "control/ingest/publish.py",
        "    manifest = manifest_of(written, parts)\n    while True:\n",
        "    manifest = manifest_of(written, parts)\n"
        "    from control.ports import every\n"
        '    count = sum(b.state == "published" for b in every(parts.store, Batch, written.table))\n'
        "    while True:\n",
    ),
}


def plant(bug: Bug, folder: Path) -> None:
    """Copy the core with the bug to `folder`."""
    for package in ("control", "bronze"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for change in (bug, EXTRA.get(bug.name)):
        if change is not None:
            text = (folder / change.path).read_text()
            if text.count(change.old) != 1:
                raise LookupError(f"{bug.name}: found {text.count(change.old)} times in {change.path}")
            (folder / change.path).write_text(text.replace(change.old, change.new))


def judge(bug: Bug, seeds: Sequence[int], histories: int, enough: int) -> list[int | None]:
    """Return after how many histories each seed caught the bug, or None. Runs in a child process.

    Stops once `enough` seeds have caught it.
    """
    with tempfile.TemporaryDirectory(prefix="ingest-bug-") as folder:
        plant(bug, Path(folder))
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            sys.path.insert(0, folder)
            from simulate import simulate

            for seed in seeds:
                if enough <= 0:
                    break
                outcome = simulate(seed, histories)
                enough -= outcome.error is not None
                os.write(writer, f"{outcome.histories if outcome.error else 'null'},".encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as answers:
            found = json.loads(f"[{answers.read().rstrip(',')}]")
        os.waitpid(child, 0)
    return list(found)


def main() -> None:
    """Print one JSON object per bug."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--enough", type=int, default=5, help="stop once this many seeds have caught a bug")
    parser.add_argument("--histories", type=int, default=2000)
    parser.add_argument("--only", default="", help="only bugs with this text in their names")
    options = parser.parse_args()
    # Libraries of the core, imported once for all children; each child imports its own copy of the core.
    import msgspec.json  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import yaml  # noqa: F401

    sys.path.insert(0, str(Path(__file__).parent))
    # From the last to the first: with five seeds, most bugs are caught soonest this way.
    seeds = [options.first + 1_000_000 * number for number in reversed(range(options.seeds))]
    for bug in (bug for bug in BUGS if options.only in bug.name):
        caught = judge(bug, seeds, options.histories, options.enough)
        print(json.dumps({"bug": bug.name, "caught_after": caught}), flush=True)


if __name__ == "__main__":
    main()
