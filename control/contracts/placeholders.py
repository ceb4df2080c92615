"""The texts of a draft that people have to replace; a contract in force has none of them."""

CONSUMER = "to-be-named"


def column(name: str) -> str:
    """Return the placeholder for the description of a column that is known from a raw file only."""
    return f"Column {name} of the raw file."


def model_column(name: str) -> str:
    """Return the placeholder for the description of a column that is known from a model only."""
    return f"Column {name} of the model."


def model(name: str) -> str:
    """Return the placeholder for the description of a model."""
    return f"Drafted from the model {name}."


def table(name: str) -> str:
    """Return the placeholder for the description of a table drafted from a raw file."""
    return f"Drafted from a raw file of {name}."


def is_column(description: str, name: str) -> bool:
    """Whether nobody has described the column yet."""
    return description in (column(name), model_column(name))


def is_table(description: str, name: str) -> bool:
    """Whether nobody has described the table yet."""
    return description in (table(name), model(name))
