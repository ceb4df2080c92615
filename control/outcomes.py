"""What became of raw files, by their batches."""

from collections.abc import Mapping

from control.model import Batch, Counts, FileState, RawFile


def file_state(batch: Batch | None) -> FileState:
    """The state of a raw file by its batch's; while a batch is being split, its files wait for new ones."""
    if batch is None:
        return "registered"
    if batch.state == "splitting" or batch.state == "split":
        return "pending"
    return batch.state


def counts_in(batch: Batch | None, file: RawFile) -> Counts | None:
    """What became of the records of `file` in `batch`, None until an attempt on it is complete."""
    if batch is None or not batch.counts or file.file_id not in batch.file_ids:
        return None
    return batch.counts[batch.file_ids.index(file.file_id)]


def counts_of(file: RawFile, batches: Mapping[str, Batch]) -> Counts:
    """What became of the records of `file` the last time that it was ingested, by the batches of its table.

    While it is ingested again, and when that ended without an answer, what was published before stands.
    """
    batch = batches.get(file.batch_id or "")
    while batch is not None:
        counts = counts_in(batch, file)
        if counts is not None and batch.state in ("published", "failed"):
            return counts
        batch = batches.get(batch.parent)
    return Counts()
