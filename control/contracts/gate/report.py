"""Write the gate's findings for machines (JSON, SARIF) and for a review (Markdown)."""

from collections.abc import Sequence

from control.contracts.gate.judge import Judged, Judgement

_SHOWN = 40  # rows in a comment: the worst come first, and nobody reads more
_LEVELS = {"breaking": "error", "risky": "warning", "compatible": "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(judgement: Judgement) -> dict[str, object]:
    """Return the judgement as `dm contract gate --json` prints it."""
    return {
        "ok": judgement.ok,
        "required_bump": judgement.required_bump,
        "findings": [_finding(found) for found in judgement.findings],
    }


def as_sarif(judgement: Judgement) -> dict[str, object]:
    """Return the judgement as SARIF 2.1.0, which code hosts show beside the lines."""
    rules = sorted({found.change.code for found in judgement.findings})
    driver = {"name": "dm contract gate", "rules": [{"id": rule} for rule in rules]}
    results = [_result(found) for found in judgement.findings]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def as_markdown(judgement: Judgement) -> str:
    """Return a short table for a comment on a change; open findings come first."""
    head = (
        f"**Contracts: {'fine' if judgement.ok else 'not yet'}** · required bump: {judgement.required_bump}\n"
    )
    if not judgement.findings:
        return f"{head}\nNo contract changed its meaning.\n"
    rows = ["", "| | table | change | consumers | needs |", "|---|---|---|---|---|"]
    for found in judgement.findings[:_SHOWN]:
        consumers = ", ".join(found.readers) or "-"
        cells = (found.change.severity, found.table, found.change.message, consumers, needs(found))
        rows.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    more = len(judgement.findings) - _SHOWN
    return head + "\n".join(rows) + "\n" + (f"\n… and {more} more\n" if more > 0 else "")


def needs(found: Judged) -> str:
    """Return what a finding needs, or why it needs nothing, in a few words."""
    if found.state == "waived" and found.waiver:
        return f"waived by {found.waiver.owner} until {found.waiver.expires}: {found.waiver.reason}"
    if found.state == "fine":
        return (
            f"nothing: {found.versions[0]} -> {found.versions[1]}"
            if found.change.bump != "none"
            else "nothing"
        )
    if found.change.needs_waiver or found.change.code == "table-removed":
        return "a waiver"
    return f"a {found.change.bump} version after {found.versions[0]}, or a waiver"


def _finding(found: Judged) -> dict[str, object]:
    change = found.change
    return {
        "code": change.code,
        "severity": change.severity,
        "table": found.table,
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "consumers": found.readers,
        "message": change.message,
        "for_producers": change.producers,
        "for_consumers": change.consumers,
        "required_bump": change.bump,
        "state": found.state,
        "through_lineage": [{"consumer": reader.name, "by": reader.by} for reader in found.through],
        "file": found.file,
        "line": found.mark.line,
    }


def _result(found: Judged) -> dict[str, object]:
    place = {
        "artifactLocation": {"uri": found.file},
        "region": {"startLine": found.mark.line, "startColumn": found.mark.column},
    }
    result: dict[str, object] = {
        "ruleId": found.change.code,
        "level": _LEVELS[found.change.severity] if found.state == "open" else "note",
        "message": {
            "text": f"{found.table}: {found.change.message}{_readers(found.readers)}. Needs {needs(found)}."
        },
        "locations": [{"physicalLocation": place}],
    }
    if found.waiver and found.state == "waived":
        result["suppressions"] = [{"kind": "external", "justification": found.waiver.reason}]
    return result


def _readers(consumers: Sequence[str]) -> str:
    return f" (read by {', '.join(consumers)})" if consumers else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
