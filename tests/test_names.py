"""The modules that tests share have one name each: the first one found would win."""

from collections import Counter
from pathlib import Path


def test_shared_modules_of_the_tests_have_one_name_each() -> None:
    found = Path(__file__).parent.rglob("*.py")
    names = Counter(path.name for path in found if not path.name.startswith(("test_", "conftest")))
    assert [name for name, count in names.items() if count > 1] == []
