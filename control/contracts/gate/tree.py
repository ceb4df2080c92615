"""The contracts of a folder or of a commit as bytes, and how those of two trees are paired."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from control.contracts.lint import RENDERED, WAIVERS
from control.errors import NotFoundError, UsageError

_ID = re.compile(rb"^id: *[\"']?([^\s\"'#]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tree:
    """Contract files by `layer/table.yaml`; messages put `name` before them. `waivers` may be empty."""

    name: str
    files: Mapping[str, bytes]
    waivers: bytes = b""

    def shown(self, file: str) -> str:
        """Return the file's name for messages."""
        return f"{self.name}{file}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A contract in both trees, or in one: `before` and `after` are its files, empty if it has none there."""

    before: str
    after: str

    @property
    def table(self) -> str:
        """Its old name as `layer.table`, or its new name if the contract is new."""
        path = PurePosixPath(self.before or self.after)
        return f"{path.parent.name}.{path.stem}"

    @property
    def layer(self) -> str:
        """The layer of the newer file."""
        return PurePosixPath(self.after or self.before).parent.name


def folder(path: Path) -> Path:
    """Return the folder of contracts at `path`: `contracts` below it if there is one, else `path` itself.

    For a dbt project it is always `contracts`, because the other YAML of the project is not a contract.
    Raises NotFoundError when `path` is not a folder.
    """
    if not path.is_dir():
        raise NotFoundError(
            f"no such folder: {path}", hint="name a folder of contracts, or one that has contracts/"
        )
    inside = path / "contracts"
    return inside if inside.is_dir() or (path / "dbt_project.yml").is_file() else path


def read(path: Path) -> Tree:
    """Read the contracts below the folder `path`. Raises UsageError when one cannot be read."""
    found = {}
    for file in sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]):
        name = file.relative_to(path).as_posix()
        try:
            found[name] = file.read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read {file}: {error.strerror}", hint="check its permissions") from None
    return of(f"{path.as_posix()}/", found)


def of(name: str, files: Mapping[str, bytes]) -> Tree:
    """Return the contracts among `files`, without what is rendered from them."""
    kept = {
        file: content
        for file, content in files.items()
        if file.endswith((".yaml", ".yml")) and "/" in file and RENDERED not in PurePosixPath(file).parts
    }
    return Tree(name, kept, files.get(WAIVERS, b""))


def pairs(base: Tree, head: Tree) -> list[Pair]:
    """Pair the files of the same contract: by path, the remaining ones by id."""
    both = [Pair(file, file) for file in base.files if file in head.files]
    new = {_id(content): file for file, content in head.files.items() if file not in base.files}
    for file, content in base.files.items():
        if file not in head.files:
            both.append(Pair(file, new.pop(_id(content), "")))
    return sorted([*both, *(Pair("", file) for file in new.values())], key=lambda pair: pair.table)


def _id(content: bytes) -> bytes:
    found = _ID.search(content)
    return found[1] if found else content
