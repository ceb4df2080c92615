"""Random queries in Athena's dialect over the relations of hard_queries.py, each with a deterministic result.

Columns are integers or null and are called c0, c1 … in every select. Where the order matters (LIMIT, frames
of rows), rows are ordered by all columns, so that tied rows are equal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from hard_queries import COLUMNS

TABLES = {name: columns for name, columns in COLUMNS.items() if name != "s.held"}
ARRAYS = ("arr",)


@dataclass(frozen=True, slots=True)
class Relation:
    """An item of FROM: its text, and its integer and array columns."""

    text: str
    integers: tuple[str, ...]
    arrays: tuple[str, ...] = ()


@dataclass(slots=True)
class Draw:
    """The random choices of one query."""

    random: Random
    ctes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def often(self, share: float) -> bool:
        return self.random.random() < share

    def name(self) -> str:
        return f"t{next(self.numbers)}"


def query(seed: int) -> str:
    """Draw a query; the same seed draws the same one."""
    draw = Draw(Random(seed))
    heads = []
    for _ in range(draw.random.choice((0, 0, 1))):
        text, columns = rows(draw, 1)
        name = f"cte{next(draw.numbers)}"
        heads.append(f"{name} as ({text})")
        draw.ctes[name] = columns
    body, _ = rows(draw, draw.random.choice((0, 1, 1, 2)))
    return f"with {', '.join(heads)} {body}" if heads else body


def rows(draw: Draw, depth: int, outer: Sequence[str] = ()) -> tuple[str, tuple[str, ...]]:
    """Draw a select or a set operation; return it with its columns. `outer` columns may be correlated."""
    if depth > 0 and draw.often(0.35):
        return set_operation(draw, depth)
    return select(draw, depth, outer)


def set_operation(draw: Draw, depth: int) -> tuple[str, tuple[str, ...]]:
    width = draw.random.randint(2, 3)
    sides = [select(draw, depth - 1, (), width)[0] for _ in range(2)]
    operator = draw.random.choice(("union all", "union", "intersect", "except"))
    names = tuple(f"c{place}" for place in range(width))
    return f"{f' {operator} '.join(sides)}{ordered(draw, names)}", names


def ordered(draw: Draw, names: Sequence[str]) -> str:
    if not draw.often(0.5):
        return ""
    keys = ", ".join(draw.random.sample([*names], len(names)))
    return f" order by {keys} limit {draw.random.randint(1, 4)}"


def select(draw: Draw, depth: int, outer: Sequence[str], width: int = 0) -> tuple[str, tuple[str, ...]]:
    sources, joined = joins(draw, depth)
    own = [f"{name}.{column}" for name, one in sources.items() for column in one.integers]
    arrays = [f"{name}.{column}" for name, one in sources.items() for column in one.arrays]
    inside, beside = Expressions(draw, depth, [*own, *outer], arrays), Expressions(draw, depth, own, arrays)
    where = f" where {inside.condition()}" if draw.often(0.3) else ""
    width = width or draw.random.randint(1, 3)
    names = tuple(f"c{place}" for place in range(width))
    if draw.often(0.3):
        values, behind = grouped(beside, width)
    else:
        values, behind = [windowed(beside) if draw.often(0.35) else inside.value() for _ in range(width)], ""
    shown = ", ".join(f"{value} as {name}" for value, name in zip(values, names, strict=True))
    unique = "distinct " if draw.often(0.2) else ""
    text = f"select {unique}{shown} from {joined}{where}{behind}"
    if order := ordered(draw, names):
        text = f"select * from ({text}) as {draw.name()}{order}"
    return f"({text})" if width and order else text, names


def joins(draw: Draw, depth: int) -> tuple[Mapping[str, Relation], str]:
    """Draw one to three relations; return them by name, and the text of FROM."""
    name = draw.name()
    found = {name: relation(draw, depth)}
    text = f"{found[name].text} as {name}"
    for _ in range(draw.random.choice((0, 0, 0, 1, 1, 2))):
        known = [f"{one}.{column}" for one, it in found.items() for column in it.integers]
        arrays = [f"{one}.{column}" for one, it in found.items() for column in it.arrays]
        name = draw.name()
        if arrays and draw.often(0.4):
            found[name] = Relation("", ("e", "o"))
            text += f" cross join unnest({draw.random.choice(arrays)}) with ordinality as {name}(e, o)"
            continue
        if depth > 0 and draw.often(0.4):
            inner, columns = select(draw, 0, known)
            found[name] = Relation("", columns)
            text += f" cross join lateral ({inner}) as {name}"
            continue
        found[name] = relation(draw, depth)
        kind = draw.random.choice(("join", "left join", "full join", "cross join"))
        text += f" {kind} {found[name].text} as {name}"
        if kind != "cross join":
            own = [f"{name}.{column}" for column in found[name].integers]
            text += f" on {draw.random.choice(known)} = {draw.random.choice(own)}"
    return found, text


def relation(draw: Draw, depth: int) -> Relation:
    if draw.ctes and draw.often(0.4):
        name, columns = draw.random.choice(sorted(draw.ctes.items()))
        return Relation(name, columns)
    if depth > 0 and draw.often(0.3):
        text, columns = rows(draw, depth - 1)
        return Relation(f"({text})", columns)
    name, columns = draw.random.choice(sorted(TABLES.items()))
    integers = tuple(column for column in columns if column not in ARRAYS)
    return Relation(name, integers, tuple(column for column in columns if column in ARRAYS))


def grouped(own: "Expressions", width: int) -> tuple[list[str], str]:
    """Draw the values of groups, and the clauses after WHERE."""
    draw = own.draw
    keys = [draw.random.choice(own.columns) for _ in range(draw.random.randint(1, 2))]
    values = [draw.random.choice(keys) if draw.often(0.3) else aggregate(own) for _ in range(width)]
    sets = draw.random.choice(("{}", "{}", "{}", "rollup({})", "cube({})"))
    having = f" having {aggregate(own)} > {draw.random.randrange(6)}" if draw.often(0.3) else ""
    return values, f" group by {sets.format(', '.join(dict.fromkeys(keys)))}{having}"


def aggregate(own: "Expressions") -> str:
    call = own.draw.random.choice(("sum({})", "min({})", "max({})", "count({})", "count(distinct {})"))
    only = f" filter (where {own.plain_condition()})" if own.draw.often(0.3) else ""
    return f"{call.format(own.plain())}{only}"


def windowed(own: "Expressions") -> str:
    draw = own.draw
    call = draw.random.choice(("sum({})", "min({})", "count({})", "rank()", "dense_rank()"))
    keys = f"partition by {draw.random.choice(own.columns)} " if draw.often(0.4) else ""
    if call.startswith(("rank", "dense")) or draw.often(0.4):
        order = f"order by {draw.random.choice(own.columns)}"
    else:
        order = f"order by {', '.join(own.columns)} rows between 2 preceding and current row"
    return f"{call.format(own.plain())} over ({keys}{order})"


@dataclass(frozen=True, slots=True)
class Expressions:
    """Draws expressions over these columns."""

    draw: Draw
    depth: int
    columns: Sequence[str]
    arrays: Sequence[str]

    def plain(self) -> str:
        """Draw a value without a subquery."""
        one, other = self._column(), self._column()
        return self.draw.random.choice(
            (one, one, f"{one} + {other}", f"coalesce({one}, {other})", f"nullif({one}, {other})")
        )

    def plain_condition(self) -> str:
        """Draw a condition without a subquery."""
        return f"{self._column()} {self.draw.random.choice(('<', '=', '<>'))} {self.draw.random.randrange(5)}"

    def value(self) -> str:
        """Draw a value."""
        choices = [self.plain, self.plain, self._case]
        if self.depth > 0:
            choices.append(self._scalar)
        if self.arrays:
            choices.append(self._of_array)
        return self.draw.random.choice(choices)()

    def condition(self) -> str:
        """Draw a condition."""
        choices = [self.plain_condition, self.plain_condition, self._both]
        if self.depth > 0:
            choices += [self._exists, self._listed]
        return self.draw.random.choice(choices)()

    def _column(self) -> str:
        return self.draw.random.choice(self.columns)

    def _case(self) -> str:
        return f"case when {self.plain_condition()} then {self.plain()} else {self.plain()} end"

    def _both(self) -> str:
        return f"({self.plain_condition()} {self.draw.random.choice(('and', 'or'))} {self.plain_condition()})"

    def _of_array(self) -> str:
        array = self.draw.random.choice(self.arrays)
        return self.draw.random.choice(
            (
                f"cardinality({array})",
                f"cardinality(filter({array}, e -> e < {self._column()}))",
                f"element_at(transform({array}, e -> e + {self._column()}), 1)",
            )
        )

    def _scalar(self) -> str:
        text, names = select(self.draw, self.depth - 1, self.columns, 1)
        call = self.draw.random.choice(("max", "count", "sum"))
        return f"(select {call}(q.{names[0]}) from ({text}) as q)"

    def _exists(self) -> str:
        text, _ = select(self.draw, self.depth - 1, self.columns)
        return f"{self.draw.random.choice(('', 'not '))}exists (select 1 from ({text}) as q)"

    def _listed(self) -> str:
        text, _ = select(self.draw, self.depth - 1, (), 1)
        return f"{self._column()} {self.draw.random.choice(('', 'not '))}in ({text})"
