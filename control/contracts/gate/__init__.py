"""Decide whether a change of the contracts may be merged: what changed, whom it breaks, what it needs."""
