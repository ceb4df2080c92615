"""A DuckDB macro that decodes bytes and replaces invalid UTF-8, which DuckDB's own decode refuses.

Each byte becomes the character with its number, so that a regular expression can split the bytes.
"""

_AFTER = r"[\x{80}-\x{bf}]"
_VALID = (
    r"[\x{00}-\x{7f}]"
    rf"|[\x{{c2}}-\x{{df}}]{_AFTER}"
    rf"|\x{{e0}}[\x{{a0}}-\x{{bf}}]{_AFTER}|\x{{ed}}[\x{{80}}-\x{{9f}}]{_AFTER}"
    rf"|[\x{{e1}}-\x{{ec}}\x{{ee}}\x{{ef}}]{_AFTER}{{2}}"
    rf"|\x{{f0}}[\x{{90}}-\x{{bf}}]{_AFTER}{{2}}|\x{{f4}}[\x{{80}}-\x{{8f}}]{_AFTER}{{2}}"
    rf"|[\x{{f1}}-\x{{f3}}]{_AFTER}{{3}}"
)
# One replacement stands for a first byte and the continuation bytes that it calls for.
_INVALID = (
    rf"[\x{{c0}}-\x{{df}}]{_AFTER}?|[\x{{e0}}-\x{{ef}}]{_AFTER}{{0,2}}|[\x{{f0}}-\x{{f7}}]{_AFTER}{{0,3}}"
    rf"|[\x{{f8}}-\x{{fb}}]{_AFTER}{{0,4}}|[\x{{fc}}\x{{fd}}]{_AFTER}{{0,5}}|."
)

MACROS = (
    "athena_as_characters(b) AS array_to_string("
    "list_transform(athena_bytes(b), lambda byte: chr(CAST(byte AS INTEGER))), '')",
    "athena_as_bytes(t) AS unhex(array_to_string("
    "list_transform(string_split(t, ''), lambda c: lpad(hex(unicode(c)), 2, '0')), ''))",
    f"athena_mended(t, other) AS array_to_string(list_transform("
    f"regexp_extract_all(t, '(?s)(?:{_VALID})+|{_INVALID}'), lambda part:"
    f" CASE WHEN regexp_full_match(part, '(?s)(?:{_VALID})+') THEN decode(athena_as_bytes(part))"
    " ELSE other END), '')",
    "athena_decode(b, other) AS CASE WHEN other IS NOT NULL THEN"
    " coalesce(list_transform([b], lambda tried: TRY(decode(tried)))[1],"  # TRY takes no aggregate
    " athena_mended(athena_as_characters(b), other)) END",
)
