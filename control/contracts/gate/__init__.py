"""Whether a change of the contracts may be merged: what changed, whom it breaks, and what it needs."""
