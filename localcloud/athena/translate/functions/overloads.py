"""Choose the overload that fits the arguments best, coerce them to it, and render the call."""

from dataclasses import dataclass

from sqlglot import exp

from localcloud.athena.errors import AthenaError
from localcloud.athena.translate import zones
from localcloud.athena.translate.casts import coerce
from localcloud.athena.translate.functions.registry import FUNCTIONS, Function, Overload
from localcloud.athena.translate.functions.signatures import is_variable, match, resolved, substitute
from localcloud.athena.translate.places import place
from localcloud.athena.translate.scope import mismatch
from localcloud.athena.translate.terms import UNKNOWN, VARCHAR, Term, varchar
from localcloud.athena.types import Type


@dataclass(frozen=True, slots=True)
class Modifiers:
    """The modifiers of an aggregate call, as DuckDB text."""

    distinct: bool = False
    order: str = ""
    where: str = ""
    over: str = ""
    nulls: str = ""

    def render(self, name: str, *arguments: str, bare: bool = False) -> str:
        """Render one call; `bare` omits DISTINCT and ORDER BY (for a count beside a sum, for example)."""
        distinct = "DISTINCT " if self.distinct and not bare else ""
        order = self.order if not bare else ""
        return f"{name}({distinct}{', '.join(arguments)}{self.nulls}{order}){self.where}{self.over}"


def apply(name: str, terms: list[Term], node: exp.Expression) -> Term:
    """Call a listed function with translated arguments, without modifiers."""
    return apply_overload(FUNCTIONS[name], terms, node, Modifiers())


def apply_overload(function: Function, terms: list[Term], node: exp.Expression, modifiers: Modifiers) -> Term:
    """Render a call of the overload that fits best.

    Raises FUNCTION_NOT_FOUND when none fits, and TYPE_MISMATCH for modifiers around a scalar function.
    """
    overload, bound = _best(function, [term.type for term in terms], node)
    fitted = [
        _fitted(term, parameter, bound)
        for term, parameter in zip(terms, _parameters(overload, len(terms)), strict=True)
    ]
    if overload.scalar is not None:
        if modifiers != Modifiers():
            raise mismatch(node, f"'{function.name}' is not an aggregation or window function")
        result = overload.scalar(fitted)
        if isinstance(result, str) and function.name not in _TAKES_NULLS:
            result = _strict(result, fitted)
    else:
        assert overload.aggregate is not None
        result = overload.aggregate(fitted, modifiers.render)
    if isinstance(result, Term):
        return result
    type_ = resolved(overload.signature.result, bound, [term.type for term in fitted])
    return Term(result, type_, zones.result(type_, _alike(overload, terms)))


def _alike(overload: Overload, terms: list[Term]) -> list[Term]:
    """Return the arguments that the result is chosen from, as in `lag(x, 1, y)`; all if there are none."""
    parameters, written = _parameters(overload, len(terms)), overload.signature.result
    found = [term for term, parameter in zip(terms, parameters, strict=True) if parameter.name == written]
    return found or terms


# Functions whose result need not be null if an argument is.
_TAKES_NULLS = frozenset({"concat", "concat_ws", "repeat"})


def _strict(sql: str, arguments: list[Term]) -> str:
    """Make the result null if an argument is, before a CASE of the function tests other arguments."""
    branches = sql.count("CASE ") - sum(argument.sql.count("CASE ") for argument in arguments)
    if len(arguments) < 2 or branches <= 0:
        return sql
    nulls = " OR ".join(f"{argument.sql} IS NULL" for argument in arguments)
    return f"CASE WHEN {nulls} THEN NULL ELSE {sql} END"


def _parameters(overload: Overload, count: int) -> list[Type]:
    parameters = list(overload.signature.parameters)
    if overload.signature.repeats:
        parameters += [parameters[-1]] * (count - len(parameters))
    return parameters[:count]


def _best(function: Function, types: list[Type], node: exp.Expression) -> tuple[Overload, dict[str, Type]]:
    fits = [
        (overload, found) for overload in function.overloads if (found := match(overload.signature, types))
    ]
    if not fits:
        line, column = place(node)
        given = ", ".join(type_.athena for type_ in types)
        expected = ", ".join(overload.signature.text for overload in function.overloads)
        raise AthenaError(
            "FUNCTION_NOT_FOUND",
            f"line {line}:{column}: Unexpected parameters ({given}) for function {function.name}. "
            f"Expected: {expected}",
        )
    overload, (_, bound) = min(fits, key=lambda fit: fit[1][0])
    arrays = any(type_.name == "array" for type_ in types)
    if (function.name == "concat" and UNKNOWN in types and arrays) or (
        function.name in ("reverse", "substr") and types[0] == UNKNOWN
    ):
        line, column = place(node)
        raise AthenaError(
            "AMBIGUOUS_FUNCTION_CALL", f"line {line}:{column}: Could not choose a best candidate operator"
        )
    return overload, bound


def _fitted(term: Term, parameter: Type, bound: dict[str, Type]) -> Term:
    if parameter.name == "function":
        return term
    if is_variable(parameter) or parameter.parts:
        return coerce(term, _filled(parameter, term.type, bound))
    if parameter.name == term.type.name and not parameter.numbers:
        return term
    return coerce(term, _concrete(parameter, term.type))


def _filled(parameter: Type, given: Type, bound: dict[str, Type]) -> Type:
    """Return the pattern with its variables bound; where it has no numbers, the argument's own type."""
    if is_variable(parameter):
        return bound[parameter.name]
    if parameter.parts and given.name == parameter.name:
        pairs = zip(parameter.parts, given.parts, strict=True)
        parts = tuple((name, _filled(inner, part, bound)) for (_, inner), (name, part) in pairs)
        return Type(parameter.name, (), parts)
    if parameter.parts:
        return substitute(parameter, bound)
    return given if parameter.name == given.name else _concrete(parameter, given)


_BARE = {"timestamp": (0,), "timestamp with time zone": (0,), "time": (0,), "decimal": (38, 0)}
_WIDTHS = {"unknown": 1, "tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}


def _concrete(parameter: Type, given: Type) -> Type:
    """Return a pattern without numbers as a type that `given` can be coerced to."""
    if given == UNKNOWN and parameter == VARCHAR:
        return varchar(0)
    if parameter.numbers or parameter.name not in _BARE:
        return parameter
    if parameter.name == "decimal":
        return Type("decimal", (_WIDTHS.get(given.name, 38), 0))
    return Type(parameter.name, given.numbers or _BARE[parameter.name])
