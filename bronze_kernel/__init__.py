"""The compiled part of the parser: Zig sources, and the library that `bronze_kernel.build` makes of them."""

from pathlib import Path

LIBRARY = Path(__file__).with_name("kernel.so")
