"""Parts of URLs, as in Java's URI: null for an invalid URL, empty for a missing part."""

from sqlglot import exp

from localcloud.athena.errors import not_supported
from localcloud.athena.translate.functions.registry import scalar, special
from localcloud.athena.translate.scope import Scope, mismatch
from localcloud.athena.translate.terms import VARCHAR, Term, text, varchar
from localcloud.athena.types import UNBOUNDED

_SCHEME = r"^(?:([A-Za-z][A-Za-z0-9+.-]*):)?"
_REST = r"(?://([^/?#]*))?([^?#]*)(?:[?]([^#]*))?(?:#(.*))?$"
_URL = text(_SCHEME + _REST)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = (
    rf"(?:(?:{_LABEL}\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?"
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-fA-F:.]+\])"
)
_SERVER = text(rf"^(?:[^@]*@)?({_HOST})(?::([0-9]*))?$")

_ESCAPED, _NEVER = text("%[0-9A-Fa-f]{{2}}"), text(r'[\x00-\x20\x7f<>"{{}}|\\^`%]')
_WRONG = " OR ".join(
    (
        f"regexp_matches(regexp_replace({{0}}, {_ESCAPED}, '', 'g'), {_NEVER})",
        # A colon after an invalid scheme, a scheme with nothing after it, a missing host.
        f"regexp_matches({{0}}, '^[^/?#]*:') AND NOT regexp_matches({{0}}, {text(_SCHEME[:-1] + '[^#]')})",
        "regexp_matches({0}, '^(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//(?:[?#]|$)')",
        r"regexp_matches({0}, '^[^?#]*//[^/?#]*/[^?#]*[\[\]]')",
    )
)
_OPAQUE = "regexp_matches({0}, '^[a-zA-Z][a-zA-Z0-9+.-]*:[^/]')"


def _part(number: int) -> str:
    return f"regexp_extract({{0}}, {_URL.replace('{', '{{').replace('}', '}}')}, {number})"


def _server(number: int) -> str:
    return f"regexp_extract({_part(2)}, {_SERVER.replace('{', '{{').replace('}', '}}')}, {number})"


def _unless_opaque(sql: str) -> str:
    return f"CASE WHEN {_OPAQUE} THEN '' ELSE {sql} END"


_PARTS = {
    "protocol": _part(1),
    "host": _unless_opaque(_server(1)),
    "path": _unless_opaque(f"url_decode({_part(3)})"),
    "query": _unless_opaque(f"url_decode({_part(4)})"),
    "fragment": f"url_decode({_part(5)})",
}
for _name, _sql in _PARTS.items():
    scalar(f"url_extract_{_name}(varchar) -> =0", f"CASE WHEN NOT ({_WRONG}) THEN {_sql} END")
scalar(
    "url_extract_port(varchar) -> bigint",
    f"CASE WHEN NOT ({_WRONG} OR {_OPAQUE}) THEN CAST(nullif({_server(2)}, '') AS BIGINT) END",
)


@special("url_extract_parameter")
def _parameter(arguments: list[exp.Expression], node: exp.Expression, scope: Scope) -> Term:
    url, name = (scope.term(part) for part in arguments)
    if not isinstance(name.value, str):
        raise not_supported("The name in url_extract_parameter must be a literal in the local cloud")
    if url.type.name != "varchar":
        raise mismatch(node, f"Unexpected parameters ({url.type.athena}) for function url_extract_parameter")
    quoted = "".join(
        character if character.isalnum() else f"\\x{{{ord(character):x}}}" for character in name.value
    )
    pattern = text(f"^[^#]*?[?&]{quoted}(?:=([^&#]*))?(?:&|#|$)")
    value = f"url_decode(replace(regexp_extract({url.sql}, {pattern}, 1), '+', ' '))"
    wrong = f"{_WRONG.format(url.sql)} OR {_OPAQUE.format(url.sql)}"
    found = f"CASE WHEN NOT ({wrong}) AND regexp_matches({url.sql}, {pattern}) THEN {value} END"
    return Term(found, varchar(url.type.numbers[0]) if url.type.numbers else VARCHAR)


def _encoded(terms: list[Term]) -> Term:
    # Form encoding: a space becomes a plus, a star stays, a tilde is escaped.
    sql = f"replace(replace(replace(url_encode({terms[0].sql}), '%20', '+'), '%2A', '*'), '~', '%7E')"
    length = terms[0].type.numbers[0] * 12 if terms[0].type.numbers else UNBOUNDED
    return Term(sql, varchar(length) if length < UNBOUNDED else VARCHAR)


scalar("url_encode(varchar) -> varchar", _encoded)
scalar("url_decode(varchar) -> =0", "url_decode(replace({0}, '+', ' '))")
