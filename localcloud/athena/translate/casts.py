"""CAST, TRY_CAST and implicit coercions, with Athena's rounding and strictness.

DuckDB's own casts round doubles half to even, read ' 1.5 ' as an integer, never cut text, and match
the fields of rows by name; the code below handles each difference.
"""

from localcloud.athena.errors import AthenaError
from localcloud.athena.translate import jsons, zones
from localcloud.athena.translate.coercion import can_become, can_store
from localcloud.athena.translate.json_casts import from_json
from localcloud.athena.translate.terms import (
    INTEGERS,
    Term,
    duckdb_type,
    fail,
    field_names,
    ident,
    raw_cast,
    text,
)
from localcloud.athena.types import Type

_APPROXIMATE = ("real", "double")
_TEXTS = ("varchar", "char")
_EXACT = (*INTEGERS, "decimal")
_INTEGER_TEXT = r"\s*[+-]?[0-9]+\s*"
_DECIMAL_TEXT = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DOUBLE_TEXT = rf"\s*({_DECIMAL_TEXT}[dDfF]?|[+-]?(NaN|Infinity))\s*"
_DATE_TEXT = r"\s*[+-]?[0-9]{1,6}-[0-9]{1,2}-[0-9]{1,2}\s*"
_TIMESTAMP_TEXT = (
    r"\s*[+-]?[0-9]{1,6}-[0-9]{1,2}-[0-9]{1,2}"
    r"( (?:[01]?[0-9]|2[0-3]):[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,12})?)?Z?)?"
)
_TIME_TEXT = r"(?:[01]?[0-9]|2[0-3]):[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,12})?)?"
_SEVENTH_DIGIT = r"\.[0-9]{6}[5-9]"
_LARGEST_REAL = "3.4028235677973366e38"  # plus half of its last digit
_BIGINTS = f"{2**63}e0"
_ZONE_TEXT = r"( ?[+-][0-9]{1,2}(:[0-9]{2})?| [A-Za-z][A-Za-z0-9_+/-]*)?\s*"


def coerce(term: Term, target: Type) -> Term:
    """Coerce the term to `target`, a type that it can become implicitly."""
    if term.type == target:
        return term
    if term.type.name == "varchar" and target.name == "varchar":
        return Term(term.sql, target, term.zone, term.value)
    if term.type.name == "unknown":
        return Term(raw_cast(term.sql, target), target, term.zone)
    wider = cast(term, target)
    if target.name in INTEGERS and isinstance(term.value, int):
        return Term(wider.sql, target, value=term.value)
    return wider


def store(term: Term, target: Type, column: str) -> Term:
    """Convert the term for a column of `target`. Raises TYPE_MISMATCH where Athena would not store it."""
    if can_become(term.type, target):
        return coerce(term, target)
    if can_store(term.type, target):
        made = cast(term, target)
        return _uncut(term, made) if target.name in _TEXTS and target.numbers else made
    raise AthenaError(
        "TYPE_MISMATCH",
        "line 1:1: Insert query has mismatched column types: "
        f"column '{column}' is {target.athena}, the query gives {term.type.athena}",
    )


def _uncut(term: Term, made: Term) -> Term:
    """Fail if the cast to a column's length would cut off anything but blanks."""
    length, kinds = made.type.numbers[0], f"{term.type.athena} to {made.type.athena}"
    message = f"'Cannot truncate non-space characters when casting from {kinds} on INSERT'"
    failure = fail("INVALID_CAST_ARGUMENT", message, made.type)
    cut = f"length(rtrim({term.sql}, ' ')) > {length}"
    return Term(f"CASE WHEN {cut} THEN {failure} ELSE {made.sql} END", made.type)


def try_cast(term: Term, target: Type) -> Term:
    """`TRY_CAST`: null where CAST fails on the value."""
    # The value is evaluated outside TRY: TRY must not hide its own failures, and inside it DuckDB does not
    # find the columns of a grouped query.
    term = _by_its_clock(term, target)
    tried = f"TRY({cast(Term('tried', term.type, term.zone), target).sql})"
    return Term(f"list_transform([{term.sql}], lambda tried: {tried})[1]", target, term.zone)


def cast(term: Term, target: Type) -> Term:
    """`CAST(term AS target)`. Raises TYPE_MISMATCH when there is no such cast."""
    if term.type == target:
        return term
    term = _by_its_clock(term, target)
    source = term.type
    if source.name == "unknown":
        return Term(raw_cast(term.sql, target), target)
    sql = _convert(term.sql, source, target, term.zone)
    if sql is None:
        raise AthenaError("TYPE_MISMATCH", f"line 1:1: Cannot cast {source.athena} to {target.athena}")
    return Term(sql, target, term.zone if source.name == target.name else "UTC")


def _by_its_clock(term: Term, target: Type) -> Term:
    """Use the wall clock of a zoned moment when the target type has no zone."""
    if term.moment is None or target.name not in ("timestamp", "date", "time"):
        return term
    return Term(term.moment.clock, Type("timestamp", term.type.numbers))


def _convert(sql: str, source: Type, target: Type, zone: str = "UTC") -> str | None:
    if source.name == "json":
        return from_json(sql, target, _convert_part)
    if target.name in _TEXTS:
        return _to_text(sql, source, target, zone)
    if source.parts and source.name == target.name and len(source.parts) == len(target.parts):
        return _nested(sql, source, target)
    if target.name == "json":
        return jsons.from_value(sql, source, zone) if jsons.can_become(source) else None
    if source.name == "varchar":
        return _from_text(sql, target)
    if target.name in (*INTEGERS, "decimal", *_APPROXIMATE):
        return _to_number(sql, source, target)
    if target.name == "boolean" and source.name in (*_EXACT, *_APPROXIMATE):
        return f"({sql} <> 0)"
    return _temporal(sql, source, target, zone)


def _to_number(sql: str, source: Type, target: Type) -> str | None:
    if source.name == "boolean":
        return raw_cast(raw_cast(sql, Type("integer")), target)
    if source.name in _APPROXIMATE and target.name in INTEGERS:
        failure = fail("INVALID_CAST_ARGUMENT", f"'Unable to cast ' || {sql} || ' to {target.name}'", target)
        wrong, made = f"isnan({sql})", raw_cast(f"round({sql})", target)
        if (source.name, target.name) == ("double", "bigint"):
            wrong = f"NOT ({sql} >= -{_BIGINTS} AND {sql} < {_BIGINTS})"
        elif target.name == "bigint":  # from real: the nearest bigint, unlike all other pairs
            nearest = f"CASE WHEN {sql} > 0 THEN {2**63 - 1} ELSE {-(2**63)} END"
            made = f"CASE WHEN abs({sql}) >= {_BIGINTS} THEN {nearest} ELSE {made} END"
        return f"CASE WHEN {wrong} THEN {failure} ELSE {made} END"
    if source.name in _APPROXIMATE and target.name == "decimal":
        # Through text: Athena rounds the shortest digits of the double, not its binary value.
        return raw_cast(raw_cast(sql, Type("varchar")), target)
    if (source.name, target.name) == ("double", "real"):
        infinite = f"CASE WHEN {sql} > 0 THEN 'inf' ELSE '-inf' END"
        large = f"isfinite({sql}) AND abs({sql}) >= {_LARGEST_REAL}"
        return f"CASE WHEN {large} THEN {raw_cast(infinite, target)} ELSE {raw_cast(sql, target)} END"
    if source.name in (*_EXACT, *_APPROXIMATE):
        return raw_cast(sql, target)
    return None


def _to_text(sql: str, source: Type, target: Type, zone: str) -> str | None:
    plain = _plain_text(sql, source, zone)
    if plain is None:
        return None
    if not target.numbers:
        return plain
    length = target.numbers[0]
    if target.name == "char":
        if source.name not in _TEXTS:
            return None
        return f"rpad(substr({plain}, 1, {length}), {length}, ' ')"
    if source.name in _TEXTS:
        fits = source.name == "varchar" and source.numbers and source.numbers[0] <= length
        return plain if fits else f"substr({plain}, 1, {length})"
    message = f"'Value ' || {plain} || ' cannot be represented as varchar({length})'"
    return (
        f"CASE WHEN length({plain}) > {length} THEN {fail('INVALID_CAST_ARGUMENT', message, target)} "
        f"ELSE {plain} END"
    )


def _plain_text(sql: str, source: Type, zone: str) -> str | None:
    match source.name:
        case "varchar" | "char":
            return sql
        case "decimal" if source.numbers[0] == source.numbers[1]:
            # DuckDB omits the zero before the point for such types: `-.05`.
            wide = Type("decimal", (min(source.numbers[0] + 1, 38), min(source.numbers[1], 37)))
            return raw_cast(raw_cast(sql, wide), Type("varchar"))
        case "double":
            return f"athena_double_text({sql})"
        case "real":
            return f"athena_real_text({sql})"
        case "timestamp" | "time":
            return f"athena_{source.name}_text({sql}, {source.numbers[0]})"
        case "timestamp with time zone":
            shown = f"athena_timestamp_text({zones.at(sql, zone)}, {source.numbers[0]})"
            return f"({shown} || {text(' ' + zone)})"
        case "time with time zone":
            return sql
        case "boolean" | "date" | "decimal" | "uuid" | "tinyint" | "smallint" | "integer" | "bigint":
            return raw_cast(sql, Type("varchar"))
        case "interval day to second":
            return f"athena_day_second_text({sql})"
        case "interval year to month":
            return f"athena_year_month_text({sql})"
    return None


def _guarded(sql: str, pattern: str, target: Type, converted: str) -> str:
    """Return `converted` where the text matches the pattern, else Athena's error."""
    message = f"'Cannot cast ''' || {sql} || ''' to {target.athena.upper()}'"
    return (
        f"CASE WHEN {sql} IS NULL OR regexp_full_match({sql}, {text(pattern)}) THEN {converted} "
        f"ELSE {fail('INVALID_CAST_ARGUMENT', message, target)} END"
    )


def _from_text(sql: str, target: Type) -> str | None:
    trimmed = f"trim({sql})"
    match target.name:
        case "tinyint" | "smallint" | "integer" | "bigint":
            return _guarded(sql, _INTEGER_TEXT, target, raw_cast(trimmed, target))
        case "decimal":
            return _guarded(sql, _DECIMAL_TEXT, target, raw_cast(sql, target))
        case "double" | "real":
            return _guarded(sql, _DOUBLE_TEXT, target, raw_cast(f"rtrim({trimmed}, 'dDfF')", target))
        case "boolean":
            return _guarded(sql, "(?i)true|false|t|f|1|0", target, raw_cast(sql, target))
        case "date":
            return _guarded(sql, _DATE_TEXT, target, raw_cast(trimmed, target))
        case "timestamp":
            whole = raw_cast(f"regexp_extract({trimmed}, {text(_TIMESTAMP_TEXT.strip())})", target)
            whole = _with_seventh_digit(whole, sql, target)
            return _guarded(sql, _TIMESTAMP_TEXT + _ZONE_TEXT, target, rounded(whole, target.numbers[0]))
        case "timestamp with time zone":
            # A column has one zone here: a text's own zone would be shown, and its hours read, as UTC.
            zone = f"trim(regexp_extract({sql}, {text(f'^{_TIMESTAMP_TEXT}{_ZONE_TEXT}$')}, 4))"
            refused = fail(
                "NOT_SUPPORTED", f"'The zone ' || {zone} || ' of a text in the local cloud'", target
            )
            whole = _with_seventh_digit(raw_cast(trimmed, target), sql, target)
            whole = rounded(whole, target.numbers[0])
            instant = f"CASE WHEN {zone} NOT IN ('', 'UTC', 'Z') THEN {refused} ELSE {whole} END"
            return _guarded(sql, _TIMESTAMP_TEXT + _ZONE_TEXT, target, instant)
        case "time":
            clock = _with_seventh_digit(raw_cast(trimmed, target), sql, target)
            return _guarded(sql, _TIME_TEXT, target, _time(clock, target.numbers[0]))
        case "uuid":
            return raw_cast(trimmed, target)
        case "varbinary":
            return f"encode({sql})"
    return None


def _with_seventh_digit(value: str, written: str, target: Type) -> str:
    """Round up by the seventh fractional digit, which DuckDB cuts off."""
    if target.numbers[0] < 6:
        return value
    return f"({value} + to_microseconds(CAST(regexp_matches({written}, {text(_SEVENTH_DIGIT)}) AS BIGINT)))"


def rounded(sql: str, digits: int) -> str:
    """Round a timestamp to `digits` fractional digits, half up."""
    if digits >= 6:
        return sql
    unit = 10 ** (6 - digits)
    return f"({sql} + to_microseconds(athena_to_unit(epoch_us({sql}), {unit})))"


def _time(sql: str, digits: int) -> str:
    """Round a time to `digits` fractional digits; a time rounded up to a full day is midnight."""
    if digits >= 6:
        return sql
    return raw_cast(rounded(f"(DATE '1970-01-01' + {sql})", digits), Type("time"))


def _temporal(sql: str, source: Type, target: Type, zone: str) -> str | None:
    names = (source.name, target.name)
    match names:
        case ("date", "timestamp"):
            return raw_cast(sql, target)
        case ("date", "timestamp with time zone"):
            return f"timezone('UTC', {raw_cast(sql, Type('timestamp', (6,)))})"
        case ("timestamp", "date"):
            return raw_cast(sql, target)
        case ("timestamp with time zone", "date"):
            return raw_cast(zones.at(sql, zone), target)
        case ("timestamp", "timestamp") | ("timestamp with time zone", "timestamp with time zone"):
            return sql if target.numbers >= source.numbers else rounded(sql, target.numbers[0])
        case ("timestamp", "timestamp with time zone"):
            return _rounded_to(f"timezone('UTC', {sql})", source, target)
        case ("timestamp with time zone", "timestamp"):
            return _rounded_to(zones.at(sql, zone), source, target)
        case ("timestamp", "time"):
            return _time(raw_cast(sql, target), target.numbers[0])
        case ("timestamp with time zone", "time"):
            return _time(raw_cast(zones.at(sql, zone), target), target.numbers[0])
        case ("time", "time"):
            return sql if target.numbers >= source.numbers else _time(sql, target.numbers[0])
    return None


def _rounded_to(sql: str, source: Type, target: Type) -> str:
    return sql if target.numbers >= source.numbers else rounded(sql, target.numbers[0])


def _nested(sql: str, source: Type, target: Type) -> str | None:
    """Convert arrays, maps and rows part by part, rows by position."""
    if duckdb_type(source) == duckdb_type(target) and _same_shape(source, target):
        return sql
    if source.name == "array":
        inner = _convert_part("x", source.element, target.element)
        return None if inner is None else f"list_transform({sql}, lambda x: {inner})"
    if source.name == "map":
        key = _convert_part("x", source.parts[0][1], target.parts[0][1])
        value = _convert_part("x", source.parts[1][1], target.parts[1][1])
        if key is None or value is None:
            return None
        keys = f"list_transform(map_keys({sql}), lambda x: {key})"
        values = f"list_transform(map_values({sql}), lambda x: {value})"
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE map({keys}, {values}) END"
    fields = []
    for at, ((_, a), (_, b), name) in enumerate(
        zip(source.parts, target.parts, field_names(target), strict=True), 1
    ):
        part = _convert_part(f"struct_extract_at({sql}, {at})", a, b)
        if part is None:
            return None
        fields.append(f"{ident(name)} := {part}")
    return f"CASE WHEN {sql} IS NULL THEN NULL ELSE struct_pack({', '.join(fields)}) END"


def _convert_part(sql: str, source: Type, target: Type) -> str | None:
    if source == target:
        return sql
    if source.name == "unknown":
        return raw_cast(sql, target)
    return _convert(sql, source, target)


def _same_shape(source: Type, target: Type) -> bool:
    """Whether values need no conversion: at most the lengths of texts differ."""
    if source.name != target.name or len(source.parts) != len(target.parts):
        return False
    if not source.parts:
        return source == target or (source.name == "varchar" and not target.numbers)
    return all(_same_shape(a, b) for (_, a), (_, b) in zip(source.parts, target.parts, strict=True))
