"""Sizes, durations and large numbers in human-readable form."""

from localcloud.athena.translate.functions.registry import scalar
from localcloud.athena.translate.terms import BIGINT, DAY_SECOND, VARCHAR, decimal, fail

_CODE = "INVALID_FUNCTION_ARGUMENT"
_STEPS = (("Q", 10**15), ("T", 10**12), ("B", 10**9), ("M", 10**6), ("K", 10**3))


def _shortened(value: str, unit: str) -> str:
    """Show at most three digits."""
    digits = f"CASE WHEN abs({value}) < 10 THEN '%.2f' WHEN abs({value}) < 100 THEN '%.1f' ELSE '%.0f' END"
    shown = f"printf({digits}, {value})"
    plain = f"CASE WHEN contains({shown}, '.') THEN rtrim(rtrim({shown}, '0'), '.') ELSE {shown} END"
    return f"{plain} || '{unit}'"


def _format_number(value: str) -> str:
    branches = " ".join(
        f"WHEN abs({value}) >= {step} THEN {_shortened(f'(CAST({value} AS DOUBLE) / {step})', unit)}"
        for unit, step in _STEPS
    )
    # Athena keeps the fraction of a negative number of three digits or more: refused.
    refused = fail("NOT_SUPPORTED", "'format_number of this number in the local cloud'", BIGINT)
    return (
        f"CASE WHEN NOT isfinite(CAST({value} AS DOUBLE))"
        f" OR {value} < 0 AND NOT ({value} > -10000 AND {value} <= -1000 OR {value} > -10)"
        f" THEN CAST({refused} AS VARCHAR) {branches}"
        f" ELSE CAST(CAST(trunc({value}) AS BIGINT) AS VARCHAR) END"
    )


for _type in ("bigint", "double"):
    scalar(f"format_number({_type}) -> varchar", lambda terms: _format_number(terms[0].sql))

_PARTS = (("week", 604800, 0), ("day", 86400, 604800), ("hour", 3600, 86400), ("minute", 60, 3600))


_ENDLESS = fail(_CODE, "'Invalid argument found'", VARCHAR)


def _seconds(value: str) -> str:
    whole = f"CAST(round(abs({value})) AS BIGINT)"
    parts = []
    for name, unit, above in (*_PARTS, ("second", 1, 60)):
        count = f"({whole} % {above} // {unit})" if above else f"({whole} // {unit})"
        kept = f"{count} > 0" if name != "second" else f"{count} > 0 OR {whole} = 0"
        parts.append(
            f"CASE WHEN {kept} THEN {count} || ' {name}' || CASE WHEN {count} = 1 THEN '' ELSE 's' END END"
        )
    return f"concat_ws(', ', {', '.join(parts)})"


scalar(
    "human_readable_seconds(double) -> varchar",
    lambda terms: (
        f"CASE WHEN NOT isfinite({terms[0].sql}) THEN {_ENDLESS}"
        f" WHEN {terms[0].sql} IS NOT NULL THEN {_seconds(terms[0].sql)} END"
    ),
)

_AMOUNT = r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]+)\s*$"
_NUMBER = f"CAST(regexp_extract({{0}}, '{_AMOUNT}', 1) AS DECIMAL(28,9))"
_UNIT = f"regexp_extract({{0}}, '{_AMOUNT}', 2)"
_SIZES = {name: 1024**power for power, name in enumerate(("B", "kB", "MB", "GB", "TB", "PB"))}
_DURATIONS = {"ns": "1e-6", "us": "1e-3", "ms": "1e0", "s": "1e3", "m": "6e4", "h": "36e5", "d": "864e5"}


def _by_unit(units: dict[str, str]) -> str:
    return (
        f"CASE {_UNIT} " + " ".join(f"WHEN '{name}' THEN {value}" for name, value in units.items()) + " END"
    )


scalar(
    "parse_data_size(varchar) -> decimal(38,0)",
    f"CASE WHEN {{0}} IS NULL THEN NULL WHEN {_UNIT} IN ({', '.join(map(repr, _SIZES))}) THEN CAST(floor("
    f"CAST({_NUMBER} AS DOUBLE) * {_by_unit({name: str(size) for name, size in _SIZES.items()})})"
    " AS DECIMAL(38,0)) ELSE "
    + fail(_CODE, "'Invalid data size: ''' || {0} || ''''", decimal(38, 0))
    + " END",
)
scalar(
    "parse_duration(varchar) -> interval day to second",
    f"CASE WHEN {{0}} IS NULL THEN NULL WHEN {_UNIT} IN ({', '.join(map(repr, _DURATIONS))}) THEN"
    f" to_milliseconds(CAST(round(CAST({_NUMBER} AS DOUBLE) * {_by_unit(_DURATIONS)}) AS BIGINT)) ELSE "
    + fail(_CODE, "'duration is not a valid data duration string: ' || {0}", DAY_SECOND)
    + " END",
)
