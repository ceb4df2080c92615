"""Run histories by their seeds: `python tests/control/simulation/simulate.py --seed 7 --histories 1`."""

import argparse
import resource
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))  # where notifications.py is

from history import History


@dataclass(frozen=True)
class Outcome:
    """The number of histories that ran, and the first seed that broke a promise, with the error."""

    histories: int
    seed: int | None = None
    error: BaseException | None = None


def simulate(first: int, histories: int) -> Outcome:
    """Run the histories of consecutive seeds from `first` on, until one breaks a promise."""
    for count in range(histories):
        try:
            History(first + count).run()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return Outcome(count + 1, first + count, error)
    return Outcome(histories)


def main() -> int:
    """Run and print the outcome; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="seed of the first history")
    parser.add_argument("--histories", type=int, default=1)
    options = parser.parse_args()
    started = time.process_time(), time.monotonic()
    outcome = simulate(options.seed, options.histories)
    cpu, wall = time.process_time() - started[0], time.monotonic() - started[1]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{outcome.histories} histories, {cpu:.1f} CPU s, {wall:.1f} s, peak {peak_mb:.0f} MB")
    if outcome.error is None:
        return 0
    traceback.print_exception(outcome.error)
    print(f"seed {outcome.seed} broke a promise")
    return 1


if __name__ == "__main__":
    sys.exit(main())
