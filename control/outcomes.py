"""The state of a raw file and the counts of its records, derived from its batches."""

from collections.abc import Mapping

from control.model import Batch, Counts, FileState, RawFile


def file_state(batch: Batch | None) -> FileState:
    """Return the state of a raw file, given its batch; files of a batch that is being split are `pending`."""
    if batch is None:
        return "registered"
    if batch.state == "splitting" or batch.state == "split":
        return "pending"
    return batch.state


def counts_in(batch: Batch | None, file: RawFile) -> Counts | None:
    """Return the counts of `file` in `batch`; None until an attempt at the batch is complete."""
    if batch is None or not batch.counts or file.file_id not in batch.file_ids:
        return None
    return batch.counts[batch.file_ids.index(file.file_id)]


def counts_of(file: RawFile, batches: Mapping[str, Batch]) -> Counts:
    """Return the counts of `file` from its last completed ingestion; `batches` are those of its table, by id.

    While it is ingested again, or if that failed before it was parsed, the previous counts stand.
    """
    batch = batches.get(file.batch_id or "")
    while batch is not None:
        counts = counts_in(batch, file)
        if counts is not None and batch.state in ("published", "failed"):
            return counts
        batch = batches.get(batch.parent)
    return Counts()
