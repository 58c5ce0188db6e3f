"""Where faults happen: a build folder of its own, the real command line, and a look at who is running.

The checkout, the build folder and the site lie where paths have spaces and Chinese in them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.results import store
from bench.system.folders import BUILD_VARIABLE, Folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PATIENCE_S = 60.0
"""Longest wait for something that must come; a loaded machine is slow."""
SMOKE = ("--profile", "smoke")
WORKER, MODEL_MAKER, MKDOCS, KERNEL = "worker.py", "bench.models", "\0mkdocs\0", "ipykernel_launcher"
"""Words in the command lines of our children."""
IN_A_WINDOW = (sys.executable, "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)")
"""Runs a command on a terminal of its own, which closes when this process ends."""
FOREIGN = ("BENCH_", "COV")
"""Of the caller; coverage writes files of its own, which would be the first to meet a full disk."""


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
    """What `condition` returns, as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.005)
    return found


def _of_process(pid: int, file: str) -> str:
    """A file below /proc; empty once the process has gone. Cheaper than asking psutil in a loop."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid: int) -> bool:
    state = _of_process(pid, "stat").rpartition(") ")[2][:1]
    return state not in ("", "Z")


def _below(pid: int) -> Iterator[int]:
    """Ids of children, theirs behind them, as the kernel lists them: oldest first."""
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        for child in map(int, _of_process(pid, f"task/{thread.name}/children").split()):
            yield child
            yield from _below(child)


@contextmanager
def _signals_as_in_a_shell() -> Iterator[None]:
    """Whoever started the tests may ignore signals, and processes inherit that."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    status: int
    output: str


class Running:
    """A command under way. What it prints goes into a file, which no reader can hold up."""

    def __init__(self, command: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> None:
        with log.open("wb") as file, _signals_as_in_a_shell():
            self._process = subprocess.Popen(
                command, cwd=cwd, env=dict(env), stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT
            )
        self._log, self._seen = log, dict[int, None]()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def type(self, keys: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(keys)
        self._process.stdin.flush()

    def descendants(self, word: str = "") -> list[int]:
        """Ids of running processes below this one whose command line has a word, in the order of starting."""
        return [pid for pid in _below(self.pid) if word in _of_process(pid, "cmdline") and is_running(pid)]

    def says(self, text: str) -> None:
        """Wait until it has printed something."""
        wait_for(lambda: text in self.output or self._process.poll() is not None, text)
        assert text in self.output, self.output

    def child(self, word: str, number: int = 1) -> int:
        """Wait for the `number`-th process with this word, counted from the first look; it may follow others."""
        seen = self._seen

        def look() -> int | None:
            assert self._process.poll() is None, self.output
            seen.update(dict.fromkeys(self.descendants(word)))
            return list(seen)[number - 1] if len(seen) >= number else None

        pid: int = wait_for(look, f"{word} number {number}")
        return pid

    def kill(self, number: int = 9) -> None:
        self._process.send_signal(number)

    def wait(self) -> Done:
        status = self._process.wait(PATIENCE_S)
        assert self._process.stdin
        self._process.stdin.close()
        return Done(status, self.output)

    def end(self) -> None:
        """Whatever a failed test left."""
        for pid in [self.pid, *self.descendants()]:
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)
        self.wait()


@dataclass(slots=True)
class Stage:
    """One build folder. Injectors act on it and leave what they saw; what must hold is asked afterwards."""

    checkout: Path
    folder: Path
    logs: Path
    """Where the output of commands goes; not on a disk that fills up."""
    made: Path
    """A build folder that is finished."""
    experiment: str = "toy"
    env: dict[str, str] = field(default_factory=dict)
    done: Done = Done(0, "")
    """The command that the fault hit."""
    before: bytes = b""
    """Whole lines of the journal at the moment of the fault."""
    orphans: list[int] = field(default_factory=list)
    """Descendants of a killed command."""
    ended_within_s: float = 0.0
    """What the last of them took to end after the kill."""
    started: list[Running] = field(default_factory=list)
    undo: list[Callable[[], object]] = field(default_factory=list)
    """What the stage must not leave behind."""

    @property
    def folders(self) -> Folders:
        return Folders.below(self.folder)

    @property
    def target(self) -> Path:
        return self.folder.parent / "网 站"

    def give(self, *things: str) -> None:
        """What somebody has done before: `results` of the experiment `toy`, the `export` of them."""
        for thing in things:
            shutil.copytree(self.made / thing, self.folder / thing)

    def change(self, path: str, content: str) -> None:
        """Write a file in a copy of the checkout, which others use too."""
        if self.checkout.parent != self.folder.parent:
            own = self.folder.parent / self.checkout.name
            self.checkout = shutil.copytree(self.checkout, own, ignore=shutil.ignore_patterns("__pycache__"))
        target = self.checkout / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")

    def start(self, *arguments: str, wrapper: Sequence[str] = ()) -> Running:
        """A command of `python -m bench` in the checkout, maybe by way of another one."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        env |= {BUILD_VARIABLE: str(self.folder), **self.env}
        env = {name: value for name, value in env.items() if value}
        command = [*wrapper, sys.executable, "-m", "bench", *arguments]
        running = Running(command, self.checkout, env, self.logs / f"log-{len(self.started)}")
        self.started.append(running)
        return running

    def bench(self, *arguments: str, wrapper: Sequence[str] = ()) -> Done:
        return self.start(*arguments, wrapper=wrapper).wait()

    def start_measuring(self, wrapper: Sequence[str] = ()) -> Running:
        return self.start("run", self.experiment, *SMOKE, wrapper=wrapper)

    def measure(self, wrapper: Sequence[str] = ()) -> Done:
        return self.start_measuring(wrapper).wait()

    def start_building(self, wrapper: Sequence[str] = ()) -> Running:
        return self.start("site", "--target", str(self.target), wrapper=wrapper)

    def build_site(self) -> Done:
        return self.start_building().wait()

    def kill(self, running: Running, number: int = 9) -> None:
        """Send a command a signal and watch what it had started."""
        self.orphans = running.descendants()
        self.before = self.whole_lines()
        sent = time.monotonic()
        running.kill(number)
        self.done = running.wait()
        wait_for(lambda: not any(map(is_running, self.orphans)), "children end with their parent")
        self.ended_within_s = time.monotonic() - sent

    def journals(self) -> list[Path]:
        return list(store.journals(self.folders.results, self.experiment))

    def journal(self) -> store.Journal:
        """The only one that there is."""
        (path,) = self.journals()
        return store.read(path)

    def whole_lines(self) -> bytes:
        found = self.journals()
        content = found[0].read_bytes() if found else b""
        return content[: content.rfind(b"\n") + 1]

    def end(self) -> None:
        for running in self.started:
            running.end()
        for undo in reversed(self.undo):
            undo()
