"""Where faults happen: a build folder of its own, the real command line, and a look at who is running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.results import store
from bench.system.folders import BUILD_VARIABLE, Folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PATIENCE_S = 60.0
"""Longest wait for something that must come; a loaded machine is slow."""
WORKER, MODEL_MAKER, MKDOCS, KERNEL = "worker.py", "bench.models", "\0mkdocs\0", "ipykernel_launcher"
"""Words in the command lines of our children."""
AS_IN_A_SHELL = ("env", "--default-signal=INT,HUP") if sys.platform == "linux" else ()
"""Whoever started the tests may ignore signals: processes inherit that."""
FOREIGN = ("BENCH_", "COV")
"""Of the caller; coverage writes files of its own, which would be the first to meet a full disk."""


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """What `condition` returns, as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


def of_process(pid: int, file: str) -> str:
    """A file below /proc; empty once the process has gone. Cheaper than asking psutil in a loop."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid: int) -> bool:
    return of_process(pid, "stat").rpartition(") ")[2][:1] not in ("", "Z")


def _below(pid: int) -> Iterator[int]:
    """Ids of children, theirs behind them, as the kernel lists them: oldest first."""
    with suppress(FileNotFoundError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, of_process(pid, f"task/{thread.name}/children").split()):
                yield child
                yield from _below(child)


class Done(NamedTuple):
    """A command that has ended."""

    status: int
    output: str


class Running:
    """A command under way. What it prints goes into a file: no reader can hold it up."""

    def __init__(self, command: Sequence[str], cwd: Path, env: dict[str, str], log: Path) -> None:
        pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, cwd=cwd, env=env, stdout=file, bufsize=0, **pipes)
        self._log, self._seen = log, dict[int, None]()

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def descendants(self, word: str = "") -> list[int]:
        """Ids of running processes below this one whose command line has a word, in the order of starting."""
        below = _below(self.process.pid)
        return [pid for pid in below if word in of_process(pid, "cmdline") and is_running(pid)]

    def child(self, word: str, number: int = 1) -> int:
        """Wait for the `number`-th process with this word, counted from the first look; it may follow others."""

        def looks() -> bool:
            assert self.process.poll() is None, self.output
            self._seen |= dict.fromkeys(self.descendants(word))
            return len(self._seen) >= number

        wait_for(looks)
        return list(self._seen)[number - 1]

    def wait(self) -> Done:
        status = self.process.wait(PATIENCE_S)
        assert self.process.stdin
        self.process.stdin.close()
        return Done(status, self.output)


class Stage:
    """One build folder. Injectors act on it and leave what they saw; what must hold is asked afterwards."""

    def __init__(self, place: Path, checkout: Path, made: Path) -> None:
        self.place, self.checkout, self.folder = place, checkout, place / "构 建"
        self.made, self.target = made, place / "网 站"
        """A build folder that is finished; where the site goes."""
        self.env, self.done, self.before = dict[str, str](), Done(0, ""), b""
        """The caller's changes; the command that the fault hit; whole lines of the journal at that moment."""
        self.orphans, self._started = list[int](), list[Running]()
        """Descendants of a killed command; whatever must not be left running."""
        self.undo: list[Callable[[], object]] = []

    @property
    def folders(self) -> Folders:
        return Folders.below(self.folder)

    def give(self) -> None:
        """What somebody has done before: results of the experiment `toy`, the export of them, a site."""
        for thing in ("results", "export"):
            shutil.copytree(self.made / thing, self.folder / thing, dirs_exist_ok=True)
        self.target.mkdir()
        (self.target / "index.html").write_text("旧站", encoding="utf-8")

    def start(self, *arguments: str, wrapper: Sequence[str] = ()) -> Running:
        """A command of `python -m bench` in the checkout, maybe by way of another one."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        env |= {BUILD_VARIABLE: str(self.folder), **self.env}
        env = {name: value for name, value in env.items() if value}
        command = [*AS_IN_A_SHELL, *wrapper, sys.executable, "-m", "bench", *arguments]
        running = Running(command, self.checkout, env, self.place / f"log-{len(self._started)}")
        self._started.append(running)
        return running

    def start_measuring(self, *experiments: str, wrapper: Sequence[str] = ()) -> Running:
        return self.start("run", *(experiments or ("toy",)), "--profile", "smoke", wrapper=wrapper)

    def start_building(self, wrapper: Sequence[str] = ()) -> Running:
        return self.start("site", "--target", str(self.target), wrapper=wrapper)

    def note(self, running: Running) -> None:
        """What there is just before a fault, or after it; every line that was whole before is still there."""
        self.orphans = running.descendants()
        content = b"".join(path.read_bytes() for path in store.journals(self.folders.results, "slow"))
        assert content.startswith(self.before)
        self.before = content[: content.rfind(b"\n") + 1]

    def kill(self, running: Running, number: int = signal.SIGKILL) -> None:
        """Send a command a signal; what it had started ends with it."""
        self.note(running)
        assert self.orphans
        sent = time.monotonic()
        running.process.send_signal(number)
        self.done = running.wait()
        wait_for(lambda: not any(map(is_running, self.orphans)))
        assert time.monotonic() - sent < 1.0

    def journal(self, experiment: str) -> store.Journal:
        """The only one that there is."""
        (path,) = store.journals(self.folders.results, experiment)
        return store.read(path)

    def end(self) -> None:
        """Whatever a failed test left."""
        for running in self._started:
            for pid in [running.process.pid, *running.descendants()]:
                if is_running(pid):
                    os.kill(pid, signal.SIGKILL)
            running.wait()
        for undo in reversed(self.undo):
            undo()
