"""The command line as a user meets it: what it refuses, in one sentence, leaving earlier results intact."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from rich.console import Console
from stored import keep

from bench import __main__ as command_line
from bench.cli.commands import Refused, parse_duration
from bench.experiments import EXPERIMENTS
from bench.measure.campaign import Here
from bench.measure.profiles import PROFILES
from bench.spec import BASELINE, CONTROL
from bench.system.folders import BUILD_VARIABLE

if TYPE_CHECKING:
    from conftest import Make


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
        (("run", "--budget", "0"), "要大于 0"),
        (("run", "--budget", "999999999999h"), "太长"),
        (("run", "--reuse", "--fresh"), "不能一起用"),
        (("site", "--target", "nowhere"), "还没有本机的有效结果"),
        (("compare", "20260101", "20260102"), "没有这个编号"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    assert expected in _one_sentence(_bench(tmp_path, *arguments))
    assert not list(tmp_path.rglob("*.jsonl"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("no_such",), "没有命令“no_such”，可用的有：list、run"),
        (("rn",), "没有命令“rn”（是不是 run？）"),
        (("run", "--profil", "quick"), "没有选项 --profil（是不是 --profile？）"),
        (("run", "--budget"), "--budget 后面缺一个值"),
        (("run", "--budget", "1m", "--budget", "2m"), "--budget 写了不止一次"),
        (("run", "--reuse=maybe"), "--reuse 的值看不懂"),
        (("list", "extra"), "多写了：extra"),
        (("compare", "one"), "缺参数乙"),
    ],
)
def test_wrong_usage_is_told_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    done = _bench(tmp_path, *arguments, COLUMNS="40")
    assert expected in _one_sentence(done)
    assert "用法见 python -m bench" in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("command", [(), ("run",), ("compare",), ("site",)])
def test_help_has_no_english_frame(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = _bench(tmp_path, *command, "--help")
    assert done.stdout.startswith("用法：bench")
    assert not re.search(
        r"Usage|Commands|Parameters|Arguments|COMMAND|OPTIONS|default:|required|Display", done.stdout
    )


def test_version_names_what_a_report_needs(tmp_path: Path) -> None:
    assert re.fullmatch(
        r"bench [\d.]+，onnxruntime [\d.]+，Python [\d.]+\n", _bench(tmp_path, "--version").stdout
    )


def test_help_names_every_command(tmp_path: Path) -> None:
    done = _bench(tmp_path, "--help")
    assert done.returncode == 0
    for command in ("list", "run", "check", "export", "site"):
        assert command in done.stdout


def test_list_shows_every_experiment(tmp_path: Path) -> None:
    done = _bench(tmp_path, "list", COLUMNS="200")
    assert done.returncode == 0
    assert "arena" in done.stdout
    assert "intra_op_num_threads" in done.stdout


def test_list_in_a_pipe_has_one_whole_line_for_each_experiment(tmp_path: Path) -> None:
    lines = _bench(tmp_path, "list").stdout.splitlines()
    for experiment in EXPERIMENTS.values():
        (line,) = [line for line in lines if f" {experiment.id} " in line]
        assert experiment.question in line


def test_list_on_a_narrow_terminal_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(
        command_line, "out", Console(file=screen, force_terminal=True, width=60, color_system=None)
    )
    question = "在哪种模式下有用，会多出哪些线程？" * 3
    command_line.show(("实验", "问题"), [("graph_optimization_level", question)])
    assert "graph_optimization_level" in screen.getvalue()
    assert "…" not in screen.getvalue()
    assert question in "".join(re.findall(r"[\u4e00-\u9fff，？]", screen.getvalue().partition("┡")[2]))


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


def _stored(folder: Path, make: Make, build: str, key: str, **header: Any) -> Path:
    rounds = [[(case, {}) for case in (BASELINE, CONTROL)]] * 2
    journal = make.journal(rounds, experiment="arena", build=build, key=key, **header)
    return keep(folder / "results", journal)


def _key(here: Here) -> str:
    return here.key(EXPERIMENTS["arena"], PROFILES["default"])


def test_result_of_a_machine_that_is_set_differently_by_now_is_not_used_and_said_to_be(
    tmp_path: Path, make: Make
) -> None:
    here = Here.read()
    facts = here.facts().machine
    machine = {**facts, "isa": list(facts["isa"]), "transparent_huge_pages": "sometimes"}
    _stored(tmp_path, make, "20260101-000000-aaaa", _key(here), machine=machine)
    done = _bench(tmp_path, "check")
    assert done.returncode == 1
    assert "不沿用，透明大页当时是 sometimes，现在是 " in done.stdout


def test_old_results_beside_a_valid_one_are_no_fault(tmp_path: Path, make: Make) -> None:
    old = _stored(tmp_path, make, "20260101-000000-aaaa", "f" * 16)
    torn = old.with_name("20260102-000000-bbbb.jsonl")
    torn.write_text("{}\n", encoding="utf-8")
    alone = _bench(tmp_path, "check")
    assert alone.returncode == 1
    assert "✗ arena/20260101-000000-aaaa.jsonl" in alone.stdout
    _stored(tmp_path, make, "20260103-000000-cccc", _key(Here.read()))
    done = _bench(tmp_path, "check")
    assert done.returncode == 0
    assert re.findall(r"^(.) arena/(.{8})", done.stdout, re.MULTILINE) == [
        ("✓", "20260103"),
        ("·", "20260102"),
        ("·", "20260101"),
    ]
    assert done.stdout.count("可以删掉它") == 2


def test_build_may_be_named_by_the_beginning_of_its_id(tmp_path: Path, make: Make) -> None:
    for build in ("20260101-000000-aaaa", "20260102-000000-bbbb"):
        _stored(tmp_path, make, build, "f" * 16)
    done = _bench(tmp_path, "compare", "20260101", "20260101-000000-aaaa")
    assert done.returncode == 0, done.stderr
    assert "同一次构建" in done.stdout
    assert "同一次构建" not in _bench(tmp_path, "compare", "20260101", "20260102").stdout
    unclear = _one_sentence(_bench(tmp_path, "compare", "2026", "20260101"))
    assert "不止一个：20260101-000000-aaaa、20260102-000000-bbbb" in unclear
    assert "缺构建编号" in _one_sentence(_bench(tmp_path, "compare", "", "20260101"))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root 不受目录权限约束")
def test_read_only_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    told = _one_sentence(_bench(tmp_path, "run", "--profile", "smoke"))
    assert f"不能写入 {tmp_path}" in told
    assert BUILD_VARIABLE in told
    tmp_path.chmod(0o700)


def test_build_folder_that_is_a_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "build"
    blocked.write_text("", encoding="utf-8")
    assert "不能写入" in _one_sentence(_bench(blocked, "run", "--profile", "smoke"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="没有 /proc")
@pytest.mark.parametrize("command", [("run", "--profile", "smoke"), ("selftest",), ("export",), ("site",)])
def test_build_folder_that_cannot_be_is_refused_in_one_sentence(command: tuple[str, ...]) -> None:
    told = _one_sentence(_bench(Path("/proc/no_such"), *command))
    assert "不能写入 /proc/no_such" in told
    assert BUILD_VARIABLE in told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="没有 /dev/full")
@pytest.mark.parametrize("command", [("list",), ("check",), ("--help",), ("run", "--budget", "1s")])
def test_standard_output_that_is_full_is_told_in_one_sentence(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bench", *command],
            stdout=full, stderr=subprocess.PIPE, text=True, encoding="utf-8", check=False,
            env={**os.environ, BUILD_VARIABLE: str(tmp_path)},
        )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr


def test_ctrl_c_while_waiting_promises_nothing(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"):
        waiting = subprocess.Popen(
            [sys.executable, "-u", "-m", "bench", "run"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, BUILD_VARIABLE: str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        assert waiting.stdout
        assert "等它结束" in waiting.stdout.readline()
        waiting.send_signal(signal.SIGINT)
        _, told = waiting.communicate(timeout=30)
    assert (waiting.returncode, told) == (130, "已中断。\n")


def test_two_runs_at_once_take_turns(tmp_path: Path) -> None:
    """The second one says that it waits, and does once the first has ended."""
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


def test_export_without_results_writes_an_empty_status_and_says_so(tmp_path: Path) -> None:
    done = _bench(tmp_path, "export")
    assert done.returncode == 0
    assert "没有可以导出的结果" in done.stderr
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
