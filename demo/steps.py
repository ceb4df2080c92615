"""Run the commands of the demo one by one, with progress and timing."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


class StepFailedError(Exception):
    """A command of the demo failed; the message has the command and its last lines of output."""


@dataclass(slots=True)
class Steps:
    """The demo's run: the environment of its commands and the seconds of each finished step.

    `roles` has additional environment variables per role; without roles, every step runs as the account
    owner.
    """

    console: Console
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    roles: dict[str, Mapping[str, str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, title: str, *command: str, role: str = "") -> str:
        """Run `command` as the step `title`, as `role` if there are roles, and return its output.

        On a terminal, shows the last line of its stdout or stderr while it runs. Raises StepFailedError if
        the exit code is not 0.
        """
        started = time.monotonic()
        with self.console.status(f"[bold]{title}[/]") as status:
            output, code = self._follow(command, title, status, self.env_of(role))
        took = time.monotonic() - started
        if code != 0:
            tail = "\n".join(f"    {line}" for line in output.splitlines()[-25:])
            raise StepFailedError(f"{title}: `{' '.join(command)}` ended with exit code {code}\n{tail}")
        self.seconds[title] = took
        self.console.print(f"  [green]done[/] {title} [dim]{took:6.1f} s[/]", highlight=False)
        return output

    def run_quietly(self, *command: str, role: str = "") -> str:
        """Run a short command that is not a step, and return its stdout."""
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            env=self.env_of(role),
            text=True,
            stdout=subprocess.PIPE,
        )
        if done.returncode != 0:
            raise StepFailedError(f"`{' '.join(command)}` ended with exit code {done.returncode}")
        return done.stdout

    def env_of(self, role: str) -> dict[str, str]:
        """Return the environment of a command of `role`; without roles it is the same for all."""
        return {**self.env, **self.roles.get(role, {})}

    def _follow(
        self, command: tuple[str, ...], title: str, status: Any, env: Mapping[str, str]
    ) -> tuple[str, int]:
        with subprocess.Popen(
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            lines = []
            try:
                for line in process.stdout:
                    lines.append(line)
                    status.update(f"[bold]{title}[/] [dim]{escape(line.strip()[:90])}[/]")
                return "".join(lines), process.wait()
            finally:
                if process.poll() is None:
                    process.terminate()
