"""The type of options that take a duration, in days or another unit."""

from math import isnan
from typing import Any

import click

LONGEST = 36_500


class Duration(click.FloatRange):
    """A number up to `LONGEST`, a century in days, so that date arithmetic cannot overflow; never NaN."""

    def __init__(self, least: float = 0, most: float = LONGEST, *, min_open: bool = False) -> None:
        super().__init__(least, most, min_open=min_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See click."""
        found = float(super().convert(value, param, ctx))
        if isnan(found):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return found
