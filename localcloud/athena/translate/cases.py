"""CASE, and the common type of several values."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from localcloud.athena.translate import once, predicates, zones
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.scope import Scope
from localcloud.athena.translate.terms import BOOLEAN, INTEGER, UNKNOWN, Term


def case(node: exp.Expression, scope: Scope) -> Term:
    """CASE, with or without an operand."""
    ifs = node.args["ifs"]
    if node.this is None:
        operand = ""
        tests = [scope.expect(branch.this, BOOLEAN, "CASE WHEN clause").sql for branch in ifs]
    else:
        operand, tests = _cases(scope.term(node.this), [scope.term(branch.this) for branch in ifs], ifs)
    results = [scope.term(branch.args["true"]) for branch in ifs]
    default = node.args.get("default")
    results.append(scope.term(default) if default is not None else Term("NULL", UNKNOWN))
    nodes = [*(branch.args["true"] for branch in ifs), default if default is not None else node]
    results = unified("All CASE results", results, nodes)
    branches = (f"WHEN {test} THEN {result.sql}" for test, result in zip(tests, results, strict=False))
    sql = f"CASE {operand} {' '.join(branches)} ELSE {results[-1].sql} END"
    return Term(sql, results[0].type, results[0].zone)


def _cases(operand: Term, values: list[Term], branches: list[exp.Expression]) -> tuple[str, list[str]]:
    """Return the operand of a CASE and the tests of its WHENs, in DuckDB's SQL.

    Usually the operand is empty and each test is a comparison. An operand too long to repeat is computed
    once: then the operand is the number of the first value that it equals, and the tests are 0, 1, ….
    """

    def tests(terms: Sequence[Term]) -> list[str]:
        pairs = zip(terms[1:], branches, strict=True)
        return [predicates.compare("=", terms[0], value, branch).sql for value, branch in pairs]

    def number(terms: Sequence[Term]) -> Term:
        whens = (f"WHEN {test} THEN {at}" for at, test in enumerate(tests(terms)))
        return Term(f"CASE {' '.join(whens)} END", INTEGER)

    terms = [operand, *values]
    plain = number(terms)
    found = once.bound(plain, terms, number)
    if found is plain:
        return "", tests(terms)
    return found.sql, [str(at) for at in range(len(values))]


def unified(what: str, terms: list[Term], nodes: Sequence[exp.Expression]) -> list[Term]:
    """Convert all terms to their common type. Raises TYPE_MISMATCH for `what` when there is none."""
    common = predicates.shared_type(what, terms, nodes)
    zone = zones.shared(terms)
    return [replace(coerce(term, common), zone=zone) for term in terms]
