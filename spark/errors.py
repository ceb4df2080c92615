"""The error of a job. The message says what happened, to what, and what to try."""


class JobError(Exception):
    """An order cannot be carried out. The message contains no value of a row."""
