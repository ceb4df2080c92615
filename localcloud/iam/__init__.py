"""Who calls, what is asked for, and whether a policy allows it."""
