import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from control.ports import Parts


@pytest.fixture
def parts() -> Parts:
    """One raw file of one batch, published and old."""
    from retained import small_lake

    return small_lake()
