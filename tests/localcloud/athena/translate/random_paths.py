"""Random SQL/JSON: calls of JSON_QUERY, JSON_VALUE and JSON_EXISTS over small documents, from a seed.

`random_paths.py SEED COUNT [FOLDER]` asks the Trino of a local cloud and prints statements with its answers
(`generated_paths.jsonl` has 400).
"""

import json
import random
import sys
from collections.abc import Iterator

DOCUMENTS = (
    '{"a":1,"b":[1,2,3],"c":{"d":"x","e":null},"f":true}',
    '{"a":2.5,"b":["x","yz",null,false],"c":[{"d":1},{"d":2,"e":[5]}]}',
    '{"a":-7,"b":[],"c":{}}',
    '[{"a":1,"b":"x"},{"a":5,"b":"xy"},{"a":null},{"b":[1]}]',
    "[3,1,2,[4,[5,6]],-2.75]",
    '["a","ab","b",7,null]',
    '{"c":{"c":{"a":[1,{"a":2}]}},"a":[{"a":9},3]}',
    '{"a":"2.5","b":"10","c":{"d":[1,[2]]}}',
    "17",
    '"ab"',
    "null",
    "[]",
    '{"a":1',
    '{"a":2147483647,"b":[2147483648,-5],"c":{"d":1e3,"e":1.50}}',
    "[0, 1, true, {}]  ",
    '{"a":[1,2,{"c":3}],"b":{"a":"x"},"d e":4}',
)
_NAMES = ("a", "a", "b", "b", "c", "c", "d", "e", '"d e"', "size")
_LITERALS = ("0", "1", "2", "5", "-1", "1.5", "2.5e0", '"x"', '"ab"', "true", "false", "null")
_METHODS = ("type", "size", "double", "ceiling", "floor", "abs", "keyvalue")
_COMPARISONS = ("==", "==", "!=", "<>", "<", ">", "<=", ">=")
_RETURNED = ("varchar", "integer", "bigint", "double", "boolean", "decimal(6,2)", "varchar(2)", "date")
_DEFAULTS = {"varchar": "'none'", "integer": "-1", "bigint": "-1", "double": "-1e0", "boolean": "true"}


class Generator:
    """Statements from one seed; each is one or two calls over documents of a column."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._document: object = None

    def statement(self) -> str:
        """Return a call over three documents of a column, or over one if it may fail: rows are unordered."""
        documents = self._random.sample(DOCUMENTS, 3)
        try:
            self._document = json.loads(documents[0])
        except ValueError:
            self._document = None
        call = self._choose((self._query, self._query, self._value, self._exists))()
        shown = documents[:1] if "error on" in call else documents
        rows = ", ".join(f"({at}, '{document}')" for at, document in enumerate(shown))
        return f"select {call} from (values {rows}) t(i, x) order by i"

    def path(self) -> str:
        """Return a path, in three of four cases without outermost arithmetic."""
        expression = self._accessor("$", 3) if self._random.random() < 0.75 else self._arithmetic("$", 2)
        return f"{self._choose(('lax', 'lax', 'strict'))} {expression}"

    def _choose(self, among):  # type: ignore[no-untyped-def]
        return self._random.choice(among)

    def _accessor(self, start: str, steps: int) -> str:
        """Return steps from `$` or `@`, most of them to something that the first document has."""
        there = self._document if start == "$" else None
        for _ in range(self._random.randint(1, steps)):
            known = there[0] if isinstance(there, list) and there else there
            step = self._step()
            if isinstance(known, dict) and known and self._random.random() < 0.5:
                name = self._choose(list(known))
                there, step = known[name], f'."{name}"'
            start += step
        return start

    def _step(self) -> str:
        kind = self._random.random()
        if kind < 0.35:
            return "." + self._choose(_NAMES)
        if kind < 0.6:
            return self._choose(("[*]", ".*"))
        if kind < 0.75:
            return f"[{', '.join(self._subscript() for _ in range(self._choose((1, 1, 2))))}]"
        if kind < 0.87:
            return f"?({self._predicate(2)})"
        return f".{self._choose(_METHODS)}()" if kind < 0.98 else "..a"

    def _subscript(self) -> str:
        at = ("0", "1", "2", "7", "last", "last - 1", "-1")
        one = self._choose(at)
        return one if self._random.random() < 0.7 else f"{one} to {self._choose(at)}"

    def _arithmetic(self, start: str, depth: int) -> str:
        kind = self._random.random()
        if depth == 0 or kind < 0.4:
            return self._choose((self._accessor(start, 1), self._accessor(start, 2), "2", "3e0"))
        if kind < 0.55:
            return f"-{self._accessor(start, 1)}"
        one, other = (self._arithmetic(start, depth - 1) for _ in range(2))
        return f"({one} {self._choose('+-*/%')} {other})"

    def _predicate(self, depth: int) -> str:
        kind = self._random.random()
        operand = self._choose(("@", "@.a", "@.b", "@.*", self._accessor("@", 2)))
        if depth == 0 or kind < 0.55:
            return f"{operand} {self._choose(_COMPARISONS)} {self._choose((*_LITERALS, '$.a'))}"
        if kind < 0.65:
            return f"exists({operand})"
        if kind < 0.72:
            return f'{operand} starts with "{self._choose(("a", "x", ""))}"'
        if kind < 0.79:
            return f"!({self._predicate(depth - 1)})"
        if kind < 0.86:
            return f"({self._predicate(depth - 1)}) is unknown"
        return f"{self._predicate(depth - 1)} {self._choose(('&&', '||'))} {self._predicate(depth - 1)}"

    def _query(self) -> str:
        wrapper = self._choose(("", "", " with wrapper", " with wrapper", " with conditional array wrapper"))
        quotes = self._choose(("", " omit quotes", " keep quotes on scalar string")) if not wrapper else ""
        ends = "".join(
            self._choose(("", "", f" {what} on {event}"))
            for event in ("empty", "error")
            for what in [self._choose(("null", "empty array", "empty object", "error"))]
        )
        return f"json_query(x, '{self.path()}'{wrapper}{quotes}{ends})"

    def _value(self) -> str:
        type_ = self._choose(_RETURNED)
        returning = self._choose(("", f" returning {type_}", f" returning {type_}"))
        default = _DEFAULTS.get(type_ if returning else "varchar", "null")
        ends = "".join(
            self._choose(("", "", f" {what} on {event}"))
            for event in ("empty", "error")
            for what in [self._choose(("null", f"default {default}", "error"))]
        )
        return f"json_value(x, '{self.path()}'{returning}{ends})"

    def _exists(self) -> str:
        end = self._choose(("", "", "", " true on error", " unknown on error", " error on error"))
        return f"json_exists(x, '{self.path()}'{end})"


def statements(seed: int, count: int) -> Iterator[str]:
    """Return `count` statements, the same for the same seed."""
    generator = Generator(seed)
    for _ in range(count):
        yield generator.statement()


if __name__ == "__main__":
    from record import connected, print_answers

    seed, count, *folder = sys.argv[1:]
    print_answers(statements(int(seed), int(count)), connected(*folder))
