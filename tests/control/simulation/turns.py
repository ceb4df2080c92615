"""Workers that take turns: threads of which one runs at a time, in an order decided by a seed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

# More calls than any terminating history needs.
MOST_STEPS = 15_000


class Endless(BaseException):
    """The history does not end."""


@dataclass
class Task:
    """One worker: a thread that runs only when it is its turn. `wake` is when it may continue."""

    name: str
    gate: threading.Lock = field(default_factory=threading.Lock)
    wake: float = 0.0
    # Frozen until all others have finished; then it continues as a zombie.
    held: bool = False
    done: bool = False

    def __post_init__(self) -> None:
        self.gate.acquire()


class Turns:
    """Runs tasks to their end, one call at a time. Time advances with each step, and when all tasks sleep."""

    def __init__(self, random: Random, *, pace: float, stick: float) -> None:
        self.random = random
        self.pace, self.stick = pace, stick
        self.now = 0.0
        self.steps = 0
        self.most_steps = MOST_STEPS
        self.thawed = 0
        self.current: Task | None = None
        self.failures: list[BaseException] = []
        self._tasks: list[Task] = []
        self._finished = threading.Lock()
        self._finished.acquire()

    def spawn(self, name: str, work: Callable[[], Any]) -> None:
        """Add a task; it starts with `run`."""
        task = Task(name)
        self._tasks.append(task)

        def body() -> None:
            task.gate.acquire()
            try:
                work()
            except BaseException as error:  # raised by History.calm_down
                self.failures.append(error)
            task.done = True
            self._go(self._next())

        _threads.start(body)

    def run(self) -> None:
        """Let all tasks take turns until each has ended or is held."""
        self._start(self._next())

    def thaw(self) -> bool:
        """Let held tasks run to their end, however often they freeze again. Return whether there were any.

        None may be left, because a thread that waits forever keeps its whole history in memory.
        """
        before = self.thawed
        while held := [task for task in self._tasks if task.held]:
            for task in held:
                task.held, task.wake = False, self.now
            self.thawed += len(held)
            self.run()
        return self.thawed > before

    @property
    def unfinished(self) -> list[str]:
        """The tasks that have not ended."""
        return [task.name for task in self._tasks if not task.done]

    def step(self) -> None:
        """Make a step, after which another task may be next. Outside of tasks, only advance the time."""
        self.steps += 1
        self.now += self.pace * self.random.random()
        if self.current is None:
            if self.steps > 2 * self.most_steps:
                raise Endless
            return
        if self.steps > self.most_steps:
            raise Endless
        if self.random.random() >= self.stick:
            self._switch()

    def sleep(self, seconds: float) -> None:
        """Wait while the others continue."""
        if self.current is None:
            self.now += seconds
            return
        self.current.wake = self.now + seconds
        self._switch()

    def hold(self) -> None:
        """Freeze the running task until all others have finished."""
        if self.current is not None:
            self.current.held = True
            self._switch()

    def _next(self) -> Task | None:
        live = [task for task in self._tasks if not task.done and not task.held]
        if not live:
            return None
        ready = [task for task in live if task.wake <= self.now]
        if not ready:
            first = min(live, key=lambda task: task.wake)
            self.now = first.wake
            return first
        return ready[int(self.random.random() * len(ready))]

    def _switch(self) -> None:
        mine, chosen = self.current, self._next()
        if chosen is mine or mine is None:
            return
        self._go(chosen)
        mine.gate.acquire()

    def _start(self, first: Task | None) -> None:
        if first is not None:
            self._go(first)
            self._finished.acquire()

    def _go(self, chosen: Task | None) -> None:
        self.current = chosen
        (chosen.gate if chosen else self._finished).release()


class _Threads:
    """A pool of threads: starting one costs as much as a whole small history."""

    def __init__(self) -> None:
        self._idle: list[tuple[threading.Lock, list[Callable[[], None]]]] = []

    def start(self, body: Callable[[], None]) -> None:
        if self._idle:
            gate, box = self._idle.pop()
            box.append(body)
            gate.release()
            return
        gate, box = threading.Lock(), [body]
        threading.Thread(target=self._loop, args=(gate, box), daemon=True).start()

    def _loop(self, gate: threading.Lock, box: list[Callable[[], None]]) -> None:
        gate.acquire()
        while True:
            body = box.pop()
            body()
            self._idle.append((gate, box))
            gate.acquire()


_threads = _Threads()
