"""SHA-512 and 128-bit MurmurHash3 as DuckDB macros.

Macros, because DuckDB calls Python functions only if numpy is installed, which the local cloud does without.
"""

from itertools import count, islice
from math import isqrt

from localcloud.athena.engines.digits import WORD

_MASK = WORD - 1


def _primes() -> list[int]:
    numbers = (n for n in count(2) if all(n % d for d in range(2, isqrt(n) + 1)))
    return list(islice(numbers, 80))


def _cube_root(number: int) -> int:
    """Return the integer part of the cube root."""
    root = 1 << (number.bit_length() // 3 + 1)
    while (better := (2 * root + number // (root * root)) // 3) < root:
        root = better
    return root


def _words(values: list[int]) -> str:
    return "[" + ", ".join(f"CAST({value} AS UBIGINT)" for value in values) + "]"


# The first 64 fractional bits of the roots of primes.
_ROUNDS = _words([_cube_root(prime << 192) & _MASK for prime in _primes()])
_START = _words([isqrt(prime << 128) & _MASK for prime in _primes()[:8]])


def _xor(*parts: str) -> str:
    found = parts[0]
    for part in parts[1:]:
        found = f"xor({found}, {part})"
    return found


def _turns(word: str, *by: int) -> list[str]:
    return [f"athena_right({word}, {bits})" for bits in by]


def _sum(*parts: str) -> str:
    wide = " + ".join(f"CAST({part} AS UHUGEINT)" for part in parts)
    return f"CAST(({wide}) % {WORD} AS UBIGINT)"


_SMALL0 = _xor(*_turns("w[-15]", 1, 8), "(w[-15] >> 7)")
_SMALL1 = _xor(*_turns("w[-2]", 19, 61), "(w[-2] >> 6)")
_T1 = _sum("s[8]", _xor(*_turns("s[5]", 14, 18, 41)), _xor("(s[5] & s[6])", "(~s[5] & s[7])"), "r[1]", "r[2]")
_T2 = _sum(_xor(*_turns("s[1]", 28, 34, 39)), _xor("(s[1] & s[2])", "(s[1] & s[3])", "(s[2] & s[3])"))
_SCHEDULE = (
    "list_reduce(list_prepend(block, list_transform(range(64), lambda i: CAST([] AS UBIGINT[]))),"
    f" lambda w, e: list_append(w, {_sum(_SMALL1, 'w[-7]', _SMALL0, 'w[-16]')}))"
)
# A one-element list keeps the argument from being expanded several times.
_ROUND = (
    f"list_transform([{_T1}], lambda t:"
    f" [{_sum('t', _T2)}, s[1], s[2], s[3], {_sum('s[4]', 't')}, s[5], s[6], s[7]])[1]"
)

_C1, _C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def _mixed(word: str, first: int, turn: int, second: int) -> str:
    turned = f"athena_word_turn(athena_word_times({word}, {first}), {turn})"
    return f"athena_word_times({turned}, {second})"


def _steps(start: str, *steps: str) -> str:
    """Chain steps on one value; each step is an expression of `x`."""
    found = f"[{start}]"
    for step in steps:
        found = f"list_transform({found}, lambda x: {step})"
    return f"{found}[1]"


_H1, _H2 = _mixed("k[1]", _C1, 31, _C2), _mixed("k[2]", _C2, 33, _C1)
_FALL = "xor(x, athena_word_cut(x, 33))"

MACROS = (
    # Rotate right.
    "athena_right(x, n) AS (x >> n) | ((x & ((CAST(1 AS UBIGINT) << n) - 1)) << (64 - n))",
    "athena_sha_blocks(t) AS list_transform(range(len(t) // 256), lambda i: list_transform(range(16),"
    " lambda j: CAST('0x' || substr(t, i * 256 + j * 16 + 1, 16) AS UBIGINT)))",
    "athena_sha_padded(t) AS t || '80' || repeat('0', (478 - len(t) % 256) % 256)"
    " || lpad(hex(len(t) * 4), 32, '0')",
    f"athena_sha_schedule(block) AS {_SCHEDULE}",
    f"athena_sha_rounds(h, w) AS list_reduce(list_prepend(h, list_transform({_ROUNDS},"
    f" lambda k, i: [k, w[i]])), lambda s, r: {_ROUND})",
    "athena_sha_block(h, block) AS list_transform(athena_sha_rounds(h, athena_sha_schedule(block)),"
    f" lambda word, i: {_sum('word', 'h[i]')})",
    "athena_sha_digest(blocks) AS unhex(array_to_string(list_transform("
    f"list_reduce(list_prepend({_START}, blocks), lambda h, block: athena_sha_block(h, block)),"
    " lambda word: lpad(hex(word), 16, '0')), ''))",
    "athena_sha512(t) AS list_transform(list_transform([t], lambda x: athena_sha_padded(x)),"
    " lambda x: CASE WHEN x IS NOT NULL THEN athena_sha_digest(athena_sha_blocks(x)) END)[1]",
    "athena_murmur_first(h, k) AS"
    f" ((athena_word_turn(xor(h[1], {_H1}), 27) + h[2]) * 5 + {0x52DCE729}) % {WORD}",
    "athena_murmur_second(h, k, first) AS"
    f" ((athena_word_turn(xor(h[2], {_H2}), 31) + first) * 5 + {0x38495AB5}) % {WORD}",
    "athena_murmur_blocks(t) AS list_reduce(list_transform(range(len(t) // 32),"
    " lambda i: athena_words(substr(t, i * 32 + 1, 32))), lambda h, k:"
    " list_transform([athena_murmur_first(h, k)],"
    " lambda first: [first, athena_murmur_second(h, k, first)])[1],"
    " [CAST(0 AS UHUGEINT), CAST(0 AS UHUGEINT)])",
    f"athena_murmur_tail(h, k) AS [xor(h[1], {_H1}), xor(h[2], {_H2})]",
    "athena_murmur_sum(h) AS list_transform("
    f"[(h[1] + h[2]) % {WORD}], lambda first: [first, (first + h[2]) % {WORD}])[1]",
    "athena_murmur_final(h) AS list_transform(h, lambda y: "
    + _steps(
        "y",
        _FALL,
        f"athena_word_times(x, {0xFF51AFD7ED558CCD})",
        _FALL,
        f"athena_word_times(x, {0xC4CEB9FE1A85EC53})",
        _FALL,
    )
    + ")",
    "athena_murmur_length(h, n) AS list_transform(h, lambda word: xor(word, CAST(n AS UHUGEINT)))",
    # The hex digits of a word, lowest byte first.
    "athena_little_end(x) AS array_to_string(list_transform(range(8), lambda i:"
    " substr(lpad(hex(CAST(x AS UBIGINT)), 16, '0'), 15 - 2 * i, 2)), '')",
    "athena_murmur_rest(t) AS athena_words(rpad(substr(t, len(t) // 32 * 32 + 1), 32, '0'))",
    "athena_murmur3(t) AS "
    + _steps(
        "t",
        "{'h': athena_murmur_blocks(x), 'k': athena_murmur_rest(x), 'n': len(x) // 2}",
        "athena_murmur_length(athena_murmur_tail(x.h, x.k), x.n)",
        "athena_murmur_sum(x)",
        "athena_murmur_final(x)",
        "athena_murmur_sum(x)",
        "unhex(array_to_string(list_transform(x, lambda word: athena_little_end(word)), ''))",
    ),
)
