"""DuckDB macros for checksums and other work on bits and digits.

Macros, because DuckDB calls Python functions only if numpy is installed, which the local cloud does without.
"""

WORD = 1 << 64
"""The number of values of a 64-bit word."""
_P1, _P2, _P3 = 11400714785074694791, 14029467366897019727, 1609587929392839161
_P4, _P5 = 9650029242287828579, 2870177450012600261
_SEEDS = ((_P1 + _P2) % WORD, _P2, 0, -_P1 % WORD)


def _crc_table() -> str:
    """Return the lookup table of CRC-32, one entry per byte."""
    found = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
        found.append(str(value))
    return f"CAST([{', '.join(found)}] AS UBIGINT[])"


def _round(state: str, lane: str) -> str:
    added = f"({state} + athena_word_times({lane}, {_P2})) % {WORD}"
    return f"athena_word_times(athena_word_turn({added}, 31), {_P1})"


def _merged(state: str, lanes: str) -> str:
    for at in range(1, 5):
        mixed = _round("CAST(0 AS UHUGEINT)", f"{lanes}[{at}]")
        state = f"((athena_word_times(xor({state}, {mixed}), {_P1}) + {_P4}) % {WORD})"
    return state


def _turned(lanes: str) -> str:
    turns = (f"athena_word_turn({lanes}[{at}], {by})" for at, by in enumerate((1, 7, 12, 18), 1))
    return f"(({' + '.join(turns)}) % {WORD})"


_LANES = ", ".join(_round(f"state[{at}]", f"lanes[{at}]") for at in range(1, 5))
_FIRST = ", ".join(f"CAST({seed} AS UHUGEINT)" for seed in _SEEDS)
_EIGHT = _round("CAST(0 AS UHUGEINT)", "k")

MACROS = (
    # The lowest `width` bits of a HUGEINT, as a signed number.
    "athena_signed(m, width) AS"
    " ((m + (CAST(1 AS HUGEINT) << (width - 1))) & ((CAST(1 AS HUGEINT) << width) - 1))"
    " - (CAST(1 AS HUGEINT) << (width - 1))",
    "athena_bytes(b) AS list_transform(range(octet_length(b)),"
    " lambda i: CAST('0x' || substr(hex(b), i * 2 + 1, 2) AS UBIGINT))",
    f"athena_crc_table() AS {_crc_table()}",
    "athena_crc32(b) AS CAST(xor(list_reduce(athena_bytes(b), lambda crc, byte:"
    " xor(crc >> 8, athena_crc_table()[CAST(xor(crc & 255, byte) + 1 AS BIGINT)]),"
    " CAST(4294967295 AS UBIGINT)),"
    " CAST(4294967295 AS UBIGINT)) AS BIGINT)",
    "athena_two_to(n) AS CAST(CAST(1 AS HUGEINT) << n AS UHUGEINT)",
    # Unsigned 64-bit words, kept in 128 bits so that products fit.
    f"athena_word_times(x, y) AS (CAST(x AS UHUGEINT) * CAST(y AS UHUGEINT)) % {WORD}",
    "athena_word_cut(x, n) AS CAST(CAST(x AS UBIGINT) >> n AS UHUGEINT)",
    "athena_word_turn(x, r) AS (CAST(x AS UHUGEINT) * athena_two_to(r))"
    f" % {WORD} + athena_word_cut(x, 64 - r)",
    # A little-endian word from the hex digits of eight bytes; DuckDB may evaluate it on fewer.
    "athena_word(t) AS CAST(TRY_CAST('0x' || substr(t, 15, 2) || substr(t, 13, 2) || substr(t, 11, 2)"
    " || substr(t, 9, 2) || substr(t, 7, 2) || substr(t, 5, 2) || substr(t, 3, 2) || substr(t, 1, 2)"
    " AS UBIGINT) AS UHUGEINT)",
    "athena_words(t) AS list_transform(range(len(t) // 16),"
    " lambda w: athena_word(substr(t, w * 16 + 1, 16)))",
    "athena_xx_stripes(t) AS list_reduce(list_transform(range(len(t) // 64),"
    f" lambda i: athena_words(substr(t, i * 64 + 1, 64))), lambda state, lanes: [{_LANES}], [{_FIRST}])",
    f"athena_xx_merged(lanes) AS {_merged(_turned('lanes'), 'lanes')}",
    f"athena_xx_start(t) AS CASE WHEN len(t) < 64 THEN CAST({_P5} AS UHUGEINT)"
    " ELSE list_transform([athena_xx_stripes(t)], lambda lanes: athena_xx_merged(lanes))[1] END",
    "athena_xx_words(h, t) AS list_reduce(athena_words(t), lambda h, k:"
    f" (athena_word_times(athena_word_turn(xor(h, {_EIGHT}), 27), {_P1}) + {_P4}) % {WORD}, h)",
    "athena_xx_half(h, t) AS CASE WHEN len(t) < 8 THEN h ELSE (athena_word_times(athena_word_turn("
    f"xor(h, athena_word_times(athena_word(rpad(left(t, 8), 16, '0')), {_P1})), 23), {_P2})"
    f" + {_P3}) % {WORD} END",
    "athena_xx_rest(h, t) AS list_reduce(list_transform(range(len(t) // 2), lambda i:"
    " CAST(CAST('0x' || substr(t, i * 2 + 1, 2) AS UBIGINT) AS UHUGEINT)), lambda h, byte:"
    f" athena_word_times(athena_word_turn(xor(h, athena_word_times(byte, {_P5})), 11), {_P1}), h)",
    # A one-element list keeps the argument from being expanded several times.
    "athena_xx_final(h) AS list_transform(list_transform(list_transform([h],"
    f" lambda x: athena_word_times(xor(x, athena_word_cut(x, 33)), {_P2})),"
    f" lambda x: athena_word_times(xor(x, athena_word_cut(x, 29)), {_P3})),"
    " lambda x: xor(x, athena_word_cut(x, 32)))[1]",
    "athena_xx_tail(h, t, r) AS athena_xx_rest(athena_xx_half(athena_xx_words("
    "(h + CAST(len(t) // 2 AS UHUGEINT)) % 18446744073709551616, r), substr(r, (len(r) // 16) * 16 + 1)),"
    " substr(r, (len(r) // 8) * 8 + 1))",
    "athena_xxhash64(t) AS unhex(lpad(hex(CAST(athena_xx_final(athena_xx_tail(athena_xx_start(t), t,"
    " substr(t, (len(t) // 64) * 64 + 1))) AS UBIGINT)), 16, '0'))",
)
