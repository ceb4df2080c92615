"""The compiled part of the parser: Zig sources, and the library that `python -m bronze_kernel.build` makes."""

from pathlib import Path

LIBRARY = Path(__file__).with_name("kernel.so")
