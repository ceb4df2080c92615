"""The texts of a draft that people have to replace; a contract in force has none of them."""

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


def is_column(description: str, name: str) -> bool:
    """Whether nobody has described the column yet."""
    return description in (column(name), model_column(name))


def is_table(description: str, name: str) -> bool:
    """The same for a table."""
    return description in (table(name), model(name))
