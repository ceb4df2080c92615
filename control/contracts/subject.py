"""What every lint rule checks: one contract, its text, and the contracts around it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from control.contracts.model import Column, Contract, Finding
from control.contracts.source import Document, Path

TABLE: Path = ("schema", 0)


@dataclass(frozen=True, slots=True)
class Subject:
    """A contract under the lint.

    `tree` holds every contract that it may name, by `layer.table`. `unread` names those whose file could not
    be read, so that one broken file causes no findings in others.
    """

    document: Document
    contract: Contract
    tree: Mapping[str, Contract]
    unread: frozenset[str] = frozenset()

    @property
    def data(self) -> Mapping[str, Any]:
        """The contract as it is written."""
        return self.document.mapping

    @property
    def table(self) -> Mapping[str, Any]:
        """The contract's first table as it is written; empty when there is none."""
        return self.document.table

    def columns(self) -> Iterator[tuple[Path, Column, Mapping[str, Any]]]:
        """Yield each column: its place, its content, and how it is written."""
        written = self.table.get("properties") or []
        for index, (column, raw) in enumerate(zip(self.contract.columns, written, strict=True)):
            yield (*TABLE, "properties", index), column, raw

    def finding(self, code: str, path: Path, message: str) -> Finding:
        """Return an error at the place of `path`."""
        return self.document.finding(code, path, message)
