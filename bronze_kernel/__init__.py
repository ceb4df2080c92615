"""The compiled part of the parser: Zig sources, and the library that `bronze_kernel.build` compiles."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).parent
LIBRARY = FOLDER / "kernel.so"


def is_stale(library: Path = LIBRARY) -> bool:
    """Whether `library` is missing or was built from other sources than those beside this module.

    Its functions may differ then. False if there are no sources, as in a package.
    """
    texts = texts_of(FOLDER)
    return bool(texts) and not (library.exists() and name_of(texts).encode() in library.read_bytes())


def texts_of(folder: Path) -> dict[str, bytes]:
    """Return the sources in `folder` by name."""
    return {source.name: source.read_bytes() for source in sorted(folder.glob("*.zig"))}


def name_of(texts: Mapping[str, bytes]) -> str:
    """Return the SONAME of a library built from these sources."""
    return f"kernel-{hashlib.sha256(repr(texts).encode()).hexdigest()[:16]}.so"


@contextmanager
def unpacked() -> Iterator[Path]:
    """Provide the library as a file while the context is open; a copy if this package is in an archive."""
    if LIBRARY.exists():
        yield LIBRARY
        return
    from importlib.resources import as_file, files

    with as_file(files(__name__).joinpath(LIBRARY.name)) as copy:
        yield copy
