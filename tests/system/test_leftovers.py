"""What a killed run leaves is ended by the next one, and nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from bench.system import leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEP = [sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()"]
KILLED = """
import os, pathlib, subprocess, sys
from bench.system import leftovers
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL)
with leftovers.process(pathlib.Path(sys.argv[1]), child.pid):
    print(child.pid, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        yield child
        child.kill()


def test_nothing_is_named_once_it_is_gone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    with leftovers.process(tmp_path, sleeper.pid), leftovers.cgroup(tmp_path, Path("/no/bench-x")):
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []
    assert sleeper.poll() is None


def test_child_of_a_killed_run_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    pid = int(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout)
    assert psutil.pid_exists(pid)
    assert leftovers.sweep(tmp_path) == [f"进程 {pid}"]
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert list(tmp_path.iterdir()) == []


def test_process_that_got_the_number_later_and_notes_cut_short_are_forgotten(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    later = json.dumps({"pid": sleeper.pid, "created": psutil.Process(sleeper.pid).create_time() - 60})
    for note in (later, "", "{}", "[1]", '{"pid": "x", "created": 1}', '{"pid": 1'):
        (tmp_path / "a.json").write_text(note, encoding="utf-8")
        assert (leftovers.sweep(tmp_path), list(tmp_path.iterdir())) == ([], []), note
    assert sleeper.poll() is None


class Cgroup:
    """A folder that the kernel keeps while a process is in it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, name: str = "bench-quota") -> None:
        self.path, self.pids, self.killed = folder / "fs" / name, [101, 102], list[int]()
        self.path.mkdir(parents=True)
        patch.setattr(os, "kill", self._kill)
        patch.setattr(Path, "rmdir", lambda path: self._remove(path))  # noqa: PLW0108 - a bound method would not be given the path
        self._write()

    def _write(self) -> None:
        (self.path / "cgroup.procs").write_text("\n".join(map(str, self.pids)), encoding="ascii")

    def _kill(self, pid: int, number: int) -> None:
        self.killed.append(pid)
        if number == 9 and len(self.killed) > 2:  # the first try is not noticed at once
            self.pids.remove(pid)
            self._write()

    def _remove(self, path: Path) -> None:
        if self.pids:
            raise OSError(16, "Device or resource busy")
        shutil.rmtree(path)


def test_cgroup_of_a_killed_run_is_emptied_and_removed_or_tried_again_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, notes = Cgroup(tmp_path, monkeypatch), tmp_path / "notes"
    under_way = leftovers.cgroup(notes, group.path)
    under_way.__enter__()
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda *_: None)
        patch.setattr(leftovers, "PATIENCE_S", 0.0)
        assert (leftovers.sweep(notes), len(list(notes.iterdir()))) == ([], 1)
    assert leftovers.sweep(notes) == ["cgroup bench-quota"]
    assert set(group.killed) == {101, 102}
    assert (group.path.exists(), list(notes.iterdir())) == (False, [])


def test_cgroup_of_others_is_never_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = Cgroup(tmp_path, monkeypatch, "system.slice")
    with pytest.raises(AssertionError):
        leftovers.cgroup(tmp_path, group.path)
    (tmp_path / "a.json").write_text(json.dumps({"cgroup": str(group.path)}), encoding="utf-8")
    assert leftovers.sweep(tmp_path) == []
    assert (group.killed, group.path.exists()) == ([], True)
