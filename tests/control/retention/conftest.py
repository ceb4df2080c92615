import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from control.ports import Parts


@pytest.fixture
def parts() -> Parts:
    """A lake with one raw file in one old, published batch."""
    from retained import small_lake

    return small_lake()
