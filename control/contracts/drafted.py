"""The words that a draft has where only people know better; a contract in force has none of them."""

CONSUMER = "to-be-named"


def column(name: str) -> str:
    """The description of a column of which only the raw file is known."""
    return f"Column {name} of the raw file."


def table(name: str) -> str:
    """The same for a table."""
    return f"Drafted from a raw file of {name}."
