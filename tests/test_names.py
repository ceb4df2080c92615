"""Modules that tests share have unique names, because an import takes the first one found."""

from collections import Counter
from pathlib import Path


def test_shared_test_modules_have_unique_names() -> None:
    found = Path(__file__).parent.rglob("*.py")
    names = Counter(path.name for path in found if not path.name.startswith(("test_", "conftest")))
    assert [name for name, count in names.items() if count > 1] == []
