"""Who waits is told for whom."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from bench.system.lock import HELD_VARIABLE, alone, taken

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

WAIT = """
import pathlib, sys
from bench.system.lock import alone
def tell(text):
    print(text)
    sys.exit()
with alone(pathlib.Path(sys.argv[1]), tell):
    print("free")
"""
HOLD = """
import pathlib, sys
from bench.system.lock import alone
with alone(pathlib.Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.readline()
"""


def _second(path: Path, *, child: bool = False) -> str:
    """What another process that wants the lock says, a stranger's or the holder's child."""
    env = {name: value for name, value in os.environ.items() if child or name != HELD_VARIABLE}
    command, env = [sys.executable, "-c", WAIT, str(path)], {**env, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, stdout=subprocess.PIPE, encoding="utf-8", check=True, env=env
    ).stdout.strip()


def test_who_holds_the_lock_is_told_to_all_but_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bench/__main__.py", "run", "arena"])
    path = tmp_path / "lock"
    with alone(path, print):
        assert re.search(
            rf"（bench run arena，进程 {os.getpid()}，不到 1 分钟前开始），等它结束$", _second(path)
        )
        assert (taken(path), _second(path, child=True)) == ("", "free")
        for nothing_said in ("1\n2\n3\n", "x"):
            (tmp_path / "lock.holder").write_text(nothing_said, encoding="utf-8")
            assert _second(path) == "另一个测量或构建正在进行，等它结束"
    assert (taken(path), _second(path)) == ("", "free")
    assert not (tmp_path / "lock.holder").exists()


def test_lock_of_another_process_is_seen_without_waiting_for_it(tmp_path: Path) -> None:
    """A preview would disturb whoever measures: it must be able to say why it does not build."""
    path = tmp_path / "lock"
    assert taken(path) == ""
    command, pipe = [sys.executable, "-c", HOLD, str(path)], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, encoding="utf-8") as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert str(holder.pid) in taken(path)
        holder.communicate("\n")
    assert taken(path) == ""
