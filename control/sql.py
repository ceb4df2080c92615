"""Values as SQL writes them."""


def literal(text: str) -> str:
    """`text` as a literal of Athena."""
    return "'" + text.replace("'", "''") + "'"
