"""Read contract files and check each of them, alone and against all contracts of its tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from control.contracts import (
    load,
    odcs,
    rules_bronze,
    rules_columns,
    rules_cycles,
    rules_document,
    rules_silver,
    source,
)  # fmt: skip
from control.contracts.model import LAYERS, Contract, Finding
from control.contracts.subject import Subject
from control.errors import NotFoundError, UsageError

RENDERED = "rendered"
WAIVERS = "waivers.yaml"  # the gate's, beside the folders of the layers


@dataclass(frozen=True, slots=True)
class Report:
    """What `lint` found: the files checked, the contracts that could be read, and the findings."""

    files: tuple[str, ...]
    contracts: tuple[Contract, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no findings."""
        return not self.findings


def lint(paths: Sequence[Path]) -> Report:
    """Check the contracts in `paths`, files or folders.

    Names in a contract are looked up among all contracts of its tree, but only the files of `paths` give
    findings. Raises NotFoundError for a path that does not exist, and UsageError for one that cannot be read
    or a folder without contracts.
    """
    wanted = {_shown(file) for path in paths for file in _files(path)}
    around = {file for path in paths for file in (*_tree(path), *_files(path))}
    findings: list[Finding] = []
    pairs: list[tuple[source.Document, Contract]] = []
    unread: set[str] = set()
    for file in sorted(around):
        document, found = _read(file)
        findings += found
        # Later rules would misjudge a value of the wrong shape, so they run only once it is fixed.
        if document and all(f.code == "odcs-unknown-key" for f in found):
            pairs.append((document, load.contract(document)))
        else:
            unread.add(f"{file.parent.name}.{file.stem}")
    tree = {f"{contract.layer}.{contract.table}": contract for _, contract in pairs}
    subjects = [Subject(document, contract, tree, frozenset(unread)) for document, contract in pairs]
    findings += rules_document.shared(subjects)
    findings += rules_silver.missing(subjects)
    findings += rules_cycles.findings(subjects)
    for on in subjects:
        if on.contract.file in wanted:
            findings += _judge(on)
    return Report(
        files=tuple(sorted(wanted)),
        contracts=tuple(contract for _, contract in pairs if contract.file in wanted),
        findings=tuple(sorted((f for f in findings if f.file in wanted), key=_order)),
    )


def _judge(on: Subject) -> list[Finding]:
    rules = (*rules_document.RULES, *rules_columns.RULES)
    found = [finding for rule in rules for finding in rule(on)]
    found += [*rules_bronze.findings(on), *rules_silver.findings(on)]
    return found or list(rules_bronze.parser(on))


def _read(path: Path) -> tuple[source.Document | None, list[Finding]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="check its permissions") from None
    document, findings = source.read(_shown(path), content)
    return document, [*findings, *(odcs.findings(document) if document else ())]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path.absolute()]
    if not path.is_dir():
        raise NotFoundError(f"no such file or folder: {path}", hint="name contract files or folders of them")
    files = _below(path.absolute())
    if not files:
        raise UsageError(f"no contract below {path}", hint="contracts stand in <layer>/<table>.yaml")
    return files


def _below(folder: Path) -> list[Path]:
    found = [p for pattern in ("*.yaml", "*.yml") for p in folder.rglob(pattern)]
    return sorted(p for p in found if RENDERED not in p.relative_to(folder).parts and p != folder / WAIVERS)


def _tree(path: Path) -> list[Path]:
    """Return the contracts around `path`: those in the layers of the folder that it belongs to."""
    folder = path.absolute().parent if path.is_file() else path.absolute()
    root = folder.parent if folder.name in LAYERS else folder
    return [file for layer in LAYERS for file in _below(root / layer)]


def _shown(path: Path) -> str:
    """Return the path for messages: relative to the working directory if it is below that."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_posix()


def _order(finding: Finding) -> tuple[str, int, int, str]:
    return finding.file, finding.line, finding.column, finding.code
