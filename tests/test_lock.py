"""Who waits is told for whom."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.lock import alone

if TYPE_CHECKING:
    from pathlib import Path

WAIT = """
import pathlib, sys
from bench.lock import alone
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


def _second(path: Path) -> str:
    """What another process that wants the lock says."""
    done = subprocess.run(
        [sys.executable, "-c", WAIT], input=str(path), capture_output=True, text=True, encoding="utf-8",
        check=True, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
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
