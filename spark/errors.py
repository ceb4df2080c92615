"""What a job raises on purpose. The message says what happened, to what, and what to try."""


class JobError(Exception):
    """An order cannot be carried out. Holds no value of a row."""
