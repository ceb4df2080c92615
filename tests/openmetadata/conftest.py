import sys
from pathlib import Path

CONTROL = Path(__file__).parents[1] / "control"
sys.path[:0] = [str(CONTROL / "catalog"), str(CONTROL / "site")]
