"""What holds for all tests: `make test` draws the same examples each time, `make sweep` draws new ones."""

import os

from hypothesis import settings

settings.register_profile("steady", derandomize=True)
settings.register_profile("sweep", print_blob=True)
settings.load_profile("sweep" if "SWEEP" in os.environ else "steady")
