"""What a page tells its reader to type and write, and the output it shows; a shell that runs it."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a page, and the output lines that the page shows below it."""

    command: str
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A block that the reader writes: the language after the fence, its text, and the paragraph before."""

    language: str
    text: str
    before: str


def steps(text: str) -> Iterator[Step]:
    """Yield the commands of all blocks of a page or section, each with the output shown below it."""
    for part in parts(text):
        if isinstance(part, Step):
            yield part


def parts(text: str) -> Iterator[Step | Written]:
    """Yield the same, and the blocks to write between them, in the order of the page."""
    for block in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        language, inside = block[1], block[2]
        if language:
            before = text[: block.start()].rstrip().rpartition("\n\n")[2]
            yield Written(language, inside, before)
            continue
        for typed in re.split(r"^\$ ", inside, flags=re.M)[1:]:
            lines = typed.splitlines()
            ends = next(n for n in range(1, len(lines) + 1) if _is_whole("\n".join(lines[:n])))
            yield Step("\n".join(lines[:ends]), tuple(lines[ends:]))


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:  # a quote is open
        return False
    return True


def squeezed(text: str) -> str:
    """Return the words with single spaces: lines break elsewhere, and dbt pads its columns."""
    return " ".join(text.split())


class Shell:
    """A shell that commands are typed into: what one command exports, the next one has."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def type(self, command: str) -> tuple[str, int]:
        """Run the command; return what it prints, and its exit code."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f'{command}\nprintf "\\n@@ %d\\n" $?\n')
        self.process.stdin.flush()
        said = ""
        for line in self.process.stdout:
            if found := re.fullmatch(r"@@ (\d+)\n", line):
                return said, int(found[1])
            said += line
        raise AssertionError(f"the shell ended in {command}\n{said}")


@contextmanager
def shell(folder: Path, env: dict[str, str]) -> Iterator[Shell]:
    """A shell in `folder`."""
    with subprocess.Popen(
        ["bash"], cwd=folder, env=env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        yield Shell(process)
        assert process.stdin
        process.stdin.close()
