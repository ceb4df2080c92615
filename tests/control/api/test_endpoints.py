"""The API offers each command as `dm` does, and no value can become an option or another value."""

import re
import string
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from control.api.endpoints import COMMANDS, WITHHELD, Endpoint, endpoints
from control.api.openapi import description
from control.cli.main import COMMANDS as ALL
from control.cli.main import dm
from control.errors import UsageError

DOCS = Path(__file__).parents[3] / "docs/api.md"
METHODS, PATH = ("GET", "POST"), re.compile("`(/[a-z/]+)`")
# Commands that need local files or a terminal, and `serve` itself.
ELSEWHERE = {
    "local", "env", "sample", "parse", "docs", "catalog", "deploy", "serve",
    "ingest rekey", "contract lint", "contract sync", "contract gate", "contract new", "contract replay",
    "lineage build", "lineage check", "lineage diff", "lineage publish", "cost check",
}  # fmt: skip


def leaves() -> dict[str, click.Command]:
    """Return all commands of `dm` by their words."""
    found = {}
    for name in ALL:
        command = dm.get_command(click.Context(dm), name)
        if isinstance(command, click.Group) and name not in ELSEWHERE:
            found |= {f"{name} {word}": leaf for word, leaf in command.commands.items()}
        elif command is not None:
            found[name] = command
    return found


def values_of(endpoint: Endpoint) -> st.SearchStrategy[dict[str, object]]:
    """Draw values for the parameters that accept any text."""
    words = st.text(string.printable, min_size=1).filter(lambda text: "\0" not in text)
    texts = [p.name for p in endpoint.parameters if p.kind == "string" and not p.choices]
    lists = [p.name for p in endpoint.parameters if p.kind == "array"]
    return st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(texts, words) | {name: st.lists(words, min_size=2) for name in lists},
    )


def parsed(endpoint: Endpoint, argv: list[str]) -> dict[str, object]:
    """Parse a command line with click, without validation; return values by the endpoint's names."""
    command = leaves()[" ".join(endpoint.words)]
    found, _, _ = command.make_parser(click.Context(command)).parse_args(argv[len(endpoint.words) :])
    names = {param.name: named(param) for param in command.params}
    return {
        names[name]: value for name, value in found.items() if isinstance(value, str | tuple | bool) and value
    }


def named(param: click.Parameter) -> str:
    """Return the name of an argument, or the long form of an option."""
    long = max(param.opts, key=len)
    return long.removeprefix("--").replace("-", "_") if isinstance(param, click.Option) else str(param.name)


def test_every_command_is_served_or_listed_as_not_served() -> None:
    assert COMMANDS.keys() | ELSEWHERE == leaves().keys() | ELSEWHERE
    assert not COMMANDS.keys() & ELSEWHERE


def test_the_docs_name_every_path() -> None:
    table = DOCS.read_text().partition("| GET | POST |")[2].partition("\n\n")[0]
    cells = [row.strip("|").split(" | ") for row in table.splitlines()[2:]]
    told = {
        (path, method)
        for row in cells
        for method, cell in zip(METHODS, row, strict=True)
        for path in PATH.findall(cell)
    }
    assert told == {(one.path, one.method) for one in endpoints().values()}


@pytest.mark.parametrize("endpoint", endpoints().values(), ids=lambda endpoint: endpoint.path)
def test_each_endpoint_offers_every_option_except_the_servers_own(endpoint: Endpoint) -> None:
    command = leaves()[" ".join(endpoint.words)]
    offered = {named(p) for p in command.params if not isinstance(p.type, click.Path | click.File)}
    assert {p.name for p in endpoint.parameters} == offered - WITHHELD
    assert "json" in offered, "every served command must answer in JSON"
    assert endpoint.summary


@pytest.mark.parametrize("endpoint", endpoints().values(), ids=lambda endpoint: endpoint.path)
@given(data=st.data())
def test_no_text_becomes_an_option_or_another_value(endpoint: Endpoint, data: st.DataObject) -> None:
    values = data.draw(values_of(endpoint))
    sent = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    assert parsed(endpoint, endpoint.argv(values)) == {**sent, "json": True}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"raw": "true"}, "has no parameter raw"),
        ({"json": "true"}, "has no parameter json"),
        ({"waived": "perhaps"}, "true or false"),
        ({"table": ["beer", "review"]}, "one value, not 2"),
        ({"table": {"a": 1}}, "text or a number"),
        ({"table": "be\0er"}, "text or a number"),
        ({"limit": True}, "text or a number"),
    ],
)
def test_an_unknown_parameter_is_refused(values: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        endpoints()["/quarantine/list"].argv(values)


@pytest.mark.parametrize("text", ["nan", "inf", "1e300", "1" + "0" * 30])
@pytest.mark.parametrize("endpoint", endpoints().values(), ids=lambda endpoint: endpoint.path)
def test_a_number_out_of_range_is_refused(endpoint: Endpoint, text: str) -> None:
    for param in leaves()[" ".join(endpoint.words)].params:
        if isinstance(param.type, click.types.IntParamType | click.types.FloatParamType):
            with pytest.raises(click.BadParameter):
                param.type.convert(text, param, None)


def test_a_flag_is_passed_only_if_true() -> None:
    path = endpoints()["/quarantine/list"]
    assert path.argv({"waived": True, "table": None}) == ["quarantine", "list", "--json", "--waived", "--"]
    assert path.argv({"waived": "false"}) == ["quarantine", "list", "--json", "--"]


def test_the_description_is_valid_openapi_with_required_parameters() -> None:
    told = description(endpoints().values())
    validate(told)
    body = told["paths"]["/quarantine/waive"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["ids", "reason"]
    assert body["properties"]["ids"]["type"] == "array"
    (state,) = (p for p in told["paths"]["/files/list"]["get"]["parameters"] if p["name"] == "state")
    assert "failed" in state["schema"]["enum"]
