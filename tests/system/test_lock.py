"""Who waits is told for whom, and since when."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bench.system.ages import age, dated
from bench.system.lock import HELD_VARIABLE, alone, taken

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HOLD = """
import pathlib, sys
from bench.system.lock import alone
with alone(pathlib.Path(sys.argv[1]), sys.exit):
    print("held", flush=True)
    sys.stdin.readline()
"""
THEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
AGES = {-1: "不到 1 分钟", 0: "不到 1 分钟", 1: "1 分钟", 59: "59 分钟", 60: "1 小时", 2879: "47 小时", 2880: "2 天", 4000: "2 天"}  # fmt: skip


def _other(path: Path, *, child: bool = False) -> subprocess.Popen[str]:
    """Another process that wants the lock, a stranger or a child of the holder: it holds it, or says why not."""
    env = {name: value for name, value in os.environ.items() if child or name != HELD_VARIABLE}
    command, env = [sys.executable, "-c", HOLD, str(path)], {**env, "PYTHONIOENCODING": "utf-8"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8")


def _says(path: Path, *, child: bool = False) -> str:
    return "".join(_other(path, child=child).communicate("\n")).strip()


def test_who_holds_the_lock_is_told_to_all_but_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And seen without waiting for it: a preview must be able to say why it does not build."""
    monkeypatch.setattr(sys, "argv", ["/somewhere/bench/__main__.py", "run", "arena"])
    path = tmp_path / "lock"
    assert taken(path) == ""
    with alone(path, print):
        holder = rf"（bench run arena，进程 {os.getpid()}，不到 1 分钟前开始），等它结束$"
        assert re.search(holder, _says(path))
        assert (taken(path), _says(path, child=True)) == ("", "held")
        for nothing_said in ("1\n2\n3\n", "x"):
            (tmp_path / "lock.holder").write_text(nothing_said, encoding="utf-8")
            assert _says(path) == "另一个测量或构建正在进行，等它结束"
    assert not (tmp_path / "lock.holder").exists()
    with _other(path) as stranger:
        assert stranger.stdout
        assert stranger.stdout.readline() == "held\n"
        assert str(stranger.pid) in taken(path)
        stranger.communicate("\n")
    assert taken(path) == ""


def test_age_is_told_in_one_unit_and_beside_a_moment() -> None:
    assert {minutes: age(THEN, THEN + timedelta(minutes=minutes)) for minutes in AGES} == AGES
    moment = "2026 年 1 月 2 日 03:04 UTC（建站前"
    assert dated(THEN, THEN + timedelta(minutes=5)) == f"{moment} 5 分钟）"
    assert dated(THEN, THEN) == f"{moment}不到 1 分钟）"
