"""The command line as a user meets it: what it refuses, in one sentence, leaving earlier results intact."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from bench.commands import Refused, parse_duration
from bench.folders import BUILD_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path


def _bench(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        capture_output=True, text=True, encoding="utf-8", check=False,
        env={**os.environ, BUILD_VARIABLE: str(folder), "PYTHONIOENCODING": "utf-8", **env},
    )  # fmt: skip


def _one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode not in (0, 3)
    assert "Traceback" not in done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "no_such"), "没有实验“no_such”"),
        (("run", "--profile", "fast"), "没有档位“fast”"),
        (("run", "--budget", "soon"), "看不懂的时间"),
        (("run", "--budget", "1s"), "太小"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    assert expected in _one_sentence(_bench(tmp_path, *arguments))
    assert not list(tmp_path.rglob("*.jsonl"))


def test_help_names_every_command(tmp_path: Path) -> None:
    done = _bench(tmp_path, "--help")
    assert done.returncode == 0
    for command in ("list", "run", "check", "export", "snippets", "site"):
        assert command in done.stdout


def test_list_shows_every_experiment(tmp_path: Path) -> None:
    done = _bench(tmp_path, "list", COLUMNS="200")
    assert done.returncode == 0
    assert "arena" in done.stdout
    assert "intra_op_num_threads" in done.stdout


def test_check_without_results_says_what_to_do(tmp_path: Path) -> None:
    done = _bench(tmp_path, "check")
    assert done.returncode == 1
    assert "先运行 nox -s docs" in done.stdout


def test_damaged_result_is_named_and_ignored(tmp_path: Path) -> None:
    path = tmp_path / "results" / "arena" / "20260101-000000-aaaa.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"kind": "header"}\n', encoding="utf-8")
    done = _bench(tmp_path, "check")
    assert done.returncode == 1
    assert "20260101-000000-aaaa.jsonl" in done.stdout
    assert "损坏" in done.stdout
    assert _bench(tmp_path, "export").returncode == 0


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root 不受目录权限约束")
def test_read_only_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "不能写入" in _one_sentence(_bench(tmp_path, "run", "--profile", "smoke"))
    tmp_path.chmod(0o700)


def test_build_folder_that_is_a_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "build"
    blocked.write_text("", encoding="utf-8")
    assert "不能写入" in _one_sentence(_bench(blocked, "run", "--profile", "smoke"))


def test_two_runs_at_once_take_turns(tmp_path: Path) -> None:
    """The second one says that it waits, and does once the first has ended."""
    from filelock import FileLock

    lock = FileLock(tmp_path / "lock", thread_local=False)
    lock.acquire()
    timer = threading.Timer(2.0, lock.release, kwargs={"force": True})
    timer.start()
    done = _bench(tmp_path, "run", "--budget", "1s")
    timer.join()
    assert "等它结束" in done.stdout
    assert "太小" in done.stderr


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("45", 45)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-5m", "0", "10 minutes", "1d"])
def test_durations_that_make_no_sense(text: str) -> None:
    with pytest.raises(Refused):
        parse_duration(text)


def test_snippets_on_disk_are_up_to_date(tmp_path: Path) -> None:
    assert _bench(tmp_path, "snippets", "--check").returncode == 0


def test_export_without_results_writes_an_empty_status(tmp_path: Path) -> None:
    assert _bench(tmp_path, "export").returncode == 0
    assert json.loads((tmp_path / "export" / "status.json").read_text(encoding="utf-8")) == {}


def test_missing_model_package_is_one_sentence(tmp_path: Path) -> None:
    """Rapidocr is hidden from the child by a package of that name without models."""
    shadow = tmp_path / "shadow" / "rapidocr"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("", encoding="utf-8")
    done = _bench(
        tmp_path / "b", "run", "intra_op_num_threads", "--profile", "smoke", PYTHONPATH=str(shadow.parent)
    )
    assert "rapidocr" in _one_sentence(done)
    shutil.rmtree(shadow)
