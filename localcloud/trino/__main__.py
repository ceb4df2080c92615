"""`python -m localcloud.trino`: fetch Trino into its folder; `make trino` calls it."""

import os
import sys

from localcloud import config
from localcloud.errors import LocalCloudError
from localcloud.trino import install


def main() -> int:
    """Fetch Trino, unless it is there, and print where it is."""
    folder = config.trino_from(os.environ)
    try:
        home = install.fetch(folder)
        found = install.find(folder)
    except LocalCloudError as error:
        print(f"error: {error.message}\n  try: {error.hint}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    print(f"Trino {install.VERSION} is in {home}, its Java is {found.java}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
