"""The file of faults: what goes wrong, at which call or point, and on which occasion.

```toml
[[fault]]
do = "conflict"                       # the commit is lost: ICEBERG_COMMIT_ERROR
table = "silver.*"                    # default: every table
on = [2]                              # the second such commit, counted from 1; default: every one

[[fault]]
do = "throttle"                       # refused as AWS does it: TooManyRequestsException, SlowDown, …
call = "athena:StartQueryExecution"   # service:Operation; `*` matches anything
on = [1, 2]

[[fault]]
do = "lose"                           # the call has its effect, the connection closes without an answer
call = "glue:UpdateTable"
on = [1]

[[fault]]
do = "delay"
call = "s3:*"
seconds = 0.2

[[fault]]
do = "die"                            # SIGKILL to the part: to `aws` at a call, to `athena` at a point
point = "before commit"               # or "after commit"; or call = "glue:UpdateTable": after that call
on = [3]
```

Each part counts occasions from its start.
"""

import tomllib
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from localcloud.errors import FaultsError

CONFLICT, THROTTLE, LOSE, DELAY, DIE = "conflict", "throttle", "lose", "delay", "die"
BEFORE_COMMIT, AFTER_COMMIT = "before commit", "after commit"
POINTS = (BEFORE_COMMIT, AFTER_COMMIT)
# The settings that each kind of fault requires.
NEEDS = {CONFLICT: (), THROTTLE: ("call",), LOSE: ("call",), DELAY: ("call", "seconds"), DIE: ()}


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule of the file."""

    do: str
    call: str = ""
    point: str = ""
    table: str = "*"
    on: tuple[int, ...] = ()
    """Occasions, counted from 1; empty for every one."""
    seconds: float = 0.0

    def is_due(self, occasion: int) -> bool:
        """Whether the fault occurs on this occasion."""
        return not self.on or occasion in self.on

    def fits_call(self, call: str) -> bool:
        """Whether the fault applies to this call, `service:Operation`."""
        return bool(self.call) and fnmatchcase(call, self.call)

    def fits_commit(self, point: str, table: str) -> bool:
        """Whether the fault applies to this point of a commit to `database.table`."""
        at = BEFORE_COMMIT if self.do == CONFLICT else self.point
        return not self.call and at == point and fnmatchcase(table, self.table)


def read(path: Path) -> tuple[Fault, ...]:
    """Read the faults of a file. Raises FaultsError when it cannot be read or has unknown settings."""
    try:
        content = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise FaultsError(f"file of faults {path} does not exist", hint="name one with --faults") from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise FaultsError(f"{path} cannot be read: {error}", hint=_HINT) from error
    if set(content) - {"fault"} or not isinstance(content.get("fault"), list):
        raise FaultsError(f"{path} must contain only [[fault]] tables", hint=_HINT)
    return tuple(_fault(number, given, path) for number, given in enumerate(content["fault"], 1))


_HINT = "see `python -m pydoc localcloud.faults.rules` for an example of each fault"


def _fault(number: int, given: dict[str, Any], path: Path) -> Fault:
    def refuse(why: str) -> FaultsError:
        return FaultsError(f"{path}, fault {number}: {why}", hint=_HINT)

    unknown = set(given) - {field.name for field in fields(Fault)}
    if unknown:
        raise refuse(f"there is no setting {', '.join(sorted(unknown))}")
    if given.get("do") not in NEEDS:
        raise refuse(f"`do` is one of {', '.join(NEEDS)}")
    missing = [name for name in NEEDS[given["do"]] if name not in given]
    if missing:
        raise refuse(f"{given['do']} needs {', '.join(missing)}")
    if given["do"] == DIE and ("call" in given) == ("point" in given):
        raise refuse("die needs either `call` or `point`")
    if given.get("point", POINTS[0]) not in POINTS:
        raise refuse(f"`point` is one of {', '.join(POINTS)}")
    if not all(isinstance(one, int) and one > 0 for one in given.get("on", [])):
        raise refuse("`on` is a list of occasions, counted from 1")
    return Fault(**given | {"on": tuple(given.get("on", ()))})
