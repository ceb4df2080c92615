"""Keep the rendered files up to date with the contracts."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from control.contracts import render_bronze, render_capture, render_dbt
from control.contracts.lint import RENDERED
from control.contracts.model import LAYERS, Contract, Finding
from control.errors import UsageError

_READS = re.compile(r"""\b(?:ref|source)\(\s*(?:(['"])bronze\1\s*,\s*)?(['"])(\w+)\2\s*\)""")
TEMPLATES = Path("infra/templates")
_SHOWN = 20  # lines of a diff: enough to see what changed, few enough for a log


@dataclass(frozen=True, slots=True)
class Change:
    """A rendered file that differs: `write` it with `text`, or `remove` it because no contract makes it."""

    file: str
    action: Literal["write", "remove"]
    text: str
    diff: str


def plan(contracts: Sequence[Contract], *, contracts_dir: Path, models_dir: Path) -> tuple[Change, ...]:
    """Return what must change so that `models_dir` and `contracts_dir`/rendered match `contracts`.

    This includes the captured tables in the templates beside `contracts_dir`, if there are any. Raises
    UsageError when there is a hand-written file in place of a rendered one.
    """
    rendered_dir = contracts_dir / RENDERED
    wanted = {models_dir / name: text for name, text in render_dbt.render(contracts).items()}
    wanted |= {rendered_dir / name: text for name, text in render_bronze.render(contracts).items()}
    for template in (contracts_dir.parent / TEMPLATES).glob("*.yaml"):
        if render_capture.MARK.encode() in (content := template.read_bytes()):
            wanted[template] = render_capture.render(contracts, content.decode())
    changes = [_written(path, text, models_dir) for path, text in sorted(wanted.items())]
    present = [p for p in models_dir.rglob("*.yml") if _is_rendered(p)]
    present += [p for p in rendered_dir.rglob("*") if p.is_file()]
    stale = sorted(set(present) - set(wanted))
    changes += [Change(path.as_posix(), "remove", "", "no contract makes this file") for path in stale]
    return tuple(change for change in changes if change)


def uncontracted(contracts: Sequence[Contract], models_dir: Path) -> tuple[Finding, ...]:
    """Return a finding for each model of silver and gold that no contract describes."""
    described = {model for contract in contracts for model in contract.models}
    return tuple(
        _uncontracted(layer, model)
        for layer in LAYERS
        if layer != "bronze"
        for model in sorted((models_dir / layer).rglob("*.sql"))
        if model.stem not in described
    )


def _uncontracted(layer: str, model: Path) -> Finding:
    home = f"contracts/{layer}/{model.stem}.yaml"
    message = f"no contract describes this model: write {home}, with its owner and consumers"
    return Finding("model-uncontracted", "error", model.as_posix(), 1, 1, message)


def unnamed(contracts: Sequence[Contract], models_dir: Path) -> tuple[Finding, ...]:
    """Return a finding for each table whose contract does not list a model that reads it as a consumer."""
    owners = {model: contract for contract in contracts for model in contract.models}
    sources = {contract.table: contract for contract in contracts if contract.layer == "bronze"}
    sources |= {f"{name}_events": contract for name, contract in sources.items()}
    found: dict[tuple[str, str], Finding] = {}
    for model, reader in sorted(owners.items()):
        file, name = models_dir / reader.layer / f"{model}.sql", f"{reader.layer}.{reader.table}"
        for is_bronze, table in reads(file):
            read = (sources if is_bronze else owners).get(table)
            if read and read is not reader and name not in {c.name for c in read.consumers}:
                message = f"{file.as_posix()} reads {table}: name {name} among its consumers"
                finding = Finding("consumer-unnamed", "error", read.file, 1, 1, message)
                found.setdefault((read.file, name), finding)
    return tuple(finding for _, finding in sorted(found.items()))


def apply(changes: Sequence[Change]) -> None:
    """Write and remove the files of `changes`, each atomically, so that a reader never sees half of one."""
    for change in changes:
        path = Path(change.file)
        if change.action == "remove":
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.write_bytes(change.text.encode())
        beside.replace(path)


def reads(file: Path) -> list[tuple[bool, str]]:
    """Return what a model's `ref` and `source` calls name: whether it is in bronze, and the table."""
    text = file.read_text("utf-8", "replace") if file.is_file() else ""
    return [(bool(bronze), table) for bronze, _, table in _READS.findall(text)]


def _written(path: Path, text: str, models_dir: Path) -> Change | None:
    if not path.exists():
        return Change(path.as_posix(), "write", text, f"missing: {len(text.splitlines())} lines to write")
    if path.is_relative_to(models_dir) and not _is_rendered(path):
        own = path.with_name(f"{path.stem}_tests.yml")
        raise UsageError(
            f"{path} was written by hand, and a contract renders that file",
            hint=f"move its tests to {own}, delete it, and run dm contract sync",
        )
    current = path.read_bytes()
    if current == text.encode():
        return None
    return Change(path.as_posix(), "write", text, _difference(current.decode("utf-8", "replace"), text))


def _difference(current: str, wanted: str) -> str:
    lines = list(difflib.unified_diff(current.splitlines(), wanted.splitlines(), n=1, lineterm=""))
    if not lines:
        return "only line ends differ"
    more = [f"… {len(lines) - _SHOWN} more lines"] if len(lines) > _SHOWN else []
    return "\n".join([*lines[2 : _SHOWN + 2], *more])


def _is_rendered(path: Path) -> bool:
    return path.read_bytes().startswith(render_dbt.MARK.encode())
