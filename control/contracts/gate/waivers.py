"""Waivers: findings for which someone takes responsibility, with a reason and an end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from control.contracts import source
from control.errors import UsageError

_KEYS = ("table", "code", "path", "reason", "owner", "expires")
_WANTED = ("table", "code", "reason", "owner", "expires")


@dataclass(frozen=True, slots=True)
class Waiver:
    """Permits findings of `code` about `table`, at `path` if given, through the day `expires`."""

    table: str
    code: str
    path: str
    reason: str
    owner: str
    expires: date
    file: str
    line: int

    def covers(self, table: str, code: str, path: str) -> bool:
        """Whether the waiver covers this finding."""
        return (self.table, self.code) == (table, code) and self.path in ("", path)


def read(file: str, content: bytes) -> tuple[Waiver, ...]:
    """Read a waivers file: a list of `table`, `code`, `reason`, `owner`, `expires` and optionally `path`.

    Raises UsageError, which names every mistake with its line.
    """
    document, findings = source.read(file, content)
    wrong = [f"{f.file}:{f.line}: {f.message}" for f in findings]
    data = document.data if document else []
    listed = data.get("waivers") if isinstance(data, dict) else data
    found: list[Waiver] = []
    if document and not isinstance(listed, list):
        wrong.append(f"{file}:1: write a list of waivers")
        listed = []
    start: source.Path = ("waivers",) if isinstance(data, dict) else ()
    for index, item in enumerate(listed if document and isinstance(listed, list) else []):
        assert document is not None
        line = document.mark((*start, index)).line
        problem = _problem(item)
        if problem:
            wrong.append(f"{file}:{line}: {problem}")
        else:
            texts = {key: str(item.get(key, "")) for key in ("table", "code", "path", "reason", "owner")}
            found.append(
                Waiver(**texts, expires=date.fromisoformat(str(item["expires"])), file=file, line=line)
            )
    if wrong:
        raise UsageError("; ".join(wrong), hint="a waiver has " + ", ".join(_WANTED) + " and optionally path")
    return tuple(found)


def _problem(item: object) -> str:
    if not isinstance(item, dict):
        return "a waiver is a mapping"
    missing = [key for key in _WANTED if not item.get(key)]
    unknown = [str(key) for key in item if key not in _KEYS]
    if missing:
        return f"a waiver lacks {', '.join(missing)}"
    if unknown:
        return f"a waiver has no {', '.join(unknown)}"
    try:
        date.fromisoformat(str(item["expires"]))
    except ValueError:
        return f"expires is {item['expires']!r}: write a day such as 2026-12-31"
    return ""


def expired(waivers: Sequence[Waiver], today: date) -> list[Waiver]:
    """Return the waivers whose day has passed."""
    return [waiver for waiver in waivers if waiver.expires < today]
