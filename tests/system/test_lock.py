"""Who waits is told for whom."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.system.lock import HELD_VARIABLE, alone, taken

if TYPE_CHECKING:
    from pathlib import Path

WAIT = """
import pathlib, sys
from bench.system.lock import HELD_VARIABLE, alone, taken
sys.argv = ["/x/bench/__main__.py", "site"]
class Enough(Exception): ...
def tell(text):
    print(text)
    raise Enough
try:
    with alone(pathlib.Path(sys.stdin.read()), tell):
        print("free")
except Enough:
    pass
"""


HOLD = """
import pathlib, sys
from bench.system.lock import alone
with alone(pathlib.Path(sys.stdin.readline().strip()), print):
    print("held", flush=True)
    sys.stdin.readline()
"""


def _second(path: Path, *, child: bool = False) -> str:
    """What another process that wants the lock says, a stranger's or the holder's child."""
    env = {name: value for name, value in os.environ.items() if child or name != HELD_VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", WAIT], input=str(path), capture_output=True, text=True, encoding="utf-8",
        check=True, env={**env, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return done.stdout.strip()


def test_who_holds_the_lock_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bench/__main__.py", "run", "arena"])
    with alone(tmp_path / "lock", print):
        told = _second(tmp_path / "lock")
    assert re.search(rf"（bench run arena，进程 {os.getpid()}，不到 1 分钟前开始），等它结束$", told)
    assert _second(tmp_path / "lock") == "free"
    assert not (tmp_path / "lock.holder").exists()


@pytest.mark.parametrize("note", ["", "1\n2\n3\n", "x"])
def test_note_that_says_nothing_is_left_out(tmp_path: Path, note: str) -> None:
    with alone(tmp_path / "lock", print):
        (tmp_path / "lock.holder").write_text(note, encoding="utf-8")
        assert _second(tmp_path / "lock") == "另一个测量或构建正在进行，等它结束"


def test_lock_of_another_process_is_seen_without_waiting_for_it(tmp_path: Path) -> None:
    """A preview would disturb whoever measures: it must be able to say why it does not build."""
    path = tmp_path / "lock"
    assert taken(path) == ""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert holder.stdin
    assert holder.stdout
    holder.stdin.write(f"{path}\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "held\n"
    assert str(holder.pid) in taken(path)
    holder.communicate("\n")
    assert taken(path) == ""


def test_children_of_the_holder_need_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with alone(path, print):
        assert taken(path) == ""
        assert _second(path, child=True) == "free"
    assert taken(path) == ""
