"""The words that a draft has where only people know better; a contract in force has none of them."""

CONSUMER = "to-be-named"


def column(name: str) -> str:
    """The description of a column of which only the raw file is known."""
    return f"Column {name} of the raw file."


def model_column(name: str) -> str:
    """The description of a column of which only the model is known."""
    return f"Column {name} of the model."


def model(name: str) -> str:
    """The same for what the model makes."""
    return f"Drafted from the model {name}."


def table(name: str) -> str:
    """The same for the table of a raw file."""
    return f"Drafted from a raw file of {name}."
