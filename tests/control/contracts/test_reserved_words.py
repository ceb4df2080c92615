"""sqlglot reads every column name that the lint accepts as a column."""

import pytest
from sqlglot.dialects.trino import Trino

from control.contracts.reserved_words import RESERVED
from localcloud.athena.dialect import parse

# sqlglot's keywords, except those of several words, which cannot be names.
KNOWN = sorted({word.lower() for word in Trino.Tokenizer.KEYWORDS if word.isidentifier()})
QUERIES = (
    "select cast({0} as varchar) as {0} from t",
    "select x.{0} from (select a, {0} from t) as x where x.{0} is distinct from x.a",
    "select {0}, count(*) as n from t group by {0} order by {0} desc",
    "select * from t where {0} = 1 and {0} is not null",
)


@pytest.mark.parametrize("word", [word for word in KNOWN if word not in RESERVED and word[0].isalpha()])
def test_a_keyword_that_the_lint_accepts_is_read_as_a_column(word: str) -> None:
    for query in QUERIES:
        parse(query.format(word))
