import pytest

from control.contracts.source import Mark, read


def test_every_value_has_its_line_and_column() -> None:
    document, findings = read("f.yaml", b"a: 1\nb:\n  - c: x\n    d: [1, 2]\n")
    assert document is not None
    assert findings == ()
    assert document.data == {"a": 1, "b": [{"c": "x", "d": [1, 2]}]}
    assert document.mark(("b", 0, "d")) == Mark(4, 5)
    assert document.mark(("b", 0, "d", 1)) == Mark(4, 12)


def test_an_absent_value_has_the_place_of_its_nearest_parent() -> None:
    document, _ = read("f.yaml", b"a:\n  b: 1\n")
    assert document is not None
    assert document.mark(("a", "x", "y")) == Mark(1, 1)
    assert document.mark(("a", "b", "y")) == Mark(2, 3)


def test_a_second_yaml_document_is_refused_with_its_line() -> None:
    document, [finding] = read("f.yaml", b"a: 1\n---\nb: 2\n")
    assert document is None
    assert (finding.code, finding.line) == ("yaml-syntax", 2)


@pytest.mark.parametrize("value", ["!!python/object/apply:os.getcwd []", "!!python/name:os.getcwd x"])
def test_a_tag_for_a_python_object_is_refused(value: str) -> None:
    document, [finding] = read("f.yaml", f"b: 1\na: {value}\n".encode())
    assert document is None or document.data == {"b": 1, "a": None}
    assert finding.line == 2


def test_aliases_are_not_expanded_so_a_small_file_stays_small() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}]\n" for i in range(1, 12))
    _, findings = read("f.yaml", text.encode())
    assert {f.code for f in findings} == {"yaml-alias"}


def test_control_characters_are_a_finding() -> None:
    document, [finding] = read("f.yaml", b"a: \x00\n")
    assert document is None
    assert finding.code == "yaml-syntax"


def test_very_deep_nesting_is_a_finding() -> None:
    document, [finding] = read("f.yaml", b"[" * 5000)
    assert document is None
    assert finding.code == "yaml-syntax"
