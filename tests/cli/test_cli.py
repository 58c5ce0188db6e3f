"""The command line as a user meets it: what it refuses, in one sentence, leaving earlier results intact."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cyclopts import CycloptsError
from filelock import FileLock
from stored import keep

from bench.__main__ import app
from bench.cli import usage
from bench.cli.measuring import parse_duration
from bench.cli.refusals import Refused
from bench.experiments import EXPERIMENTS
from bench.measure.campaign import Here
from bench.measure.profiles import PROFILES
from bench.spec import BASELINE, CONTROL
from bench.system import leftovers
from bench.system.folders import BUILD_VARIABLE, Folders

if TYPE_CHECKING:
    from samples import Make

FULL = Path("/dev/full")
OLD, TORN, NEW = "20260101-000000-aaaa", "20260102-000000-bbbb", "20260103-000000-cccc"


def _start(
    folder: Path, *arguments: str, stdout: Any = subprocess.PIPE, **more: str
) -> subprocess.Popen[str]:
    """The real thing: its status, and what stands on which stream."""
    env = {**os.environ, BUILD_VARIABLE: str(folder), "PYTHONIOENCODING": "utf-8", **more}
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, encoding="utf-8", env=env)


def _bench(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    with _start(folder, *arguments, **more) as running:
        out, err = running.communicate()
    return subprocess.CompletedProcess(arguments, running.returncode, out, err)


def _one_sentence(done: subprocess.CompletedProcess[str], status: int = 1) -> str:
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    return line


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The build folder of commands that are called in this process."""
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path))
    return tmp_path


def _status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        app(list(arguments))
    return int(end.value.code or 0)


def _refusal(*arguments: str) -> str:
    with pytest.raises(Refused) as refused:
        app(list(arguments))
    return str(refused.value)


def test_what_cannot_be_done_is_one_sentence_on_stderr_and_help_is_on_stdout(tmp_path: Path) -> None:
    for arguments, status, expected in (
        (("run", "no_such"), 1, "没有实验“no_such”，可用的有：arena"),
        (("rn",), 2, "没有命令“rn”（是不是 run？），可用的有：list、run"),
    ):
        done = _bench(tmp_path, *arguments, COLUMNS="40")
        assert expected in _one_sentence(done, status)
        assert done.stdout == ""
    told = _bench(tmp_path, "--version").stdout
    assert re.fullmatch(r"bench [\d.]+，onnxruntime [\d.]+，Python [\d.]+\n", told)
    done = _bench(tmp_path, "list", COLUMNS="40")
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [f"{one.id}：{one.question}（没有本机的有效结果）" for one in EXPERIMENTS.values()],
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "aren"), "没有实验“aren”（是不是 arena？）"),
        (("run", "--profile", "fast"), "没有档位“fast”"),
        (("run", "--budget", "soon"), "看不懂的时间"),
        (("run", "--budget", "1s"), "太小"),
        (("run", "--budget", "0"), "要大于 0"),
        (("run", "--budget", "999999999999h"), "太长"),
        (("run", "--reuse", "--fresh"), "不能一起用"),
        (("site", "--target", "nowhere"), "还没有本机的有效结果"),
        (("links", "--site", "nowhere"), "没有建好的网站"),
        (("compare", "20260101", "20260102"), "没有这个编号"),
    ],
)
def test_bad_input_is_refused(build: Path, arguments: tuple[str, ...], expected: str) -> None:
    assert expected in _refusal(*arguments)
    assert not list(build.rglob("*.jsonl"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("no_such",), "没有命令“no_such”，可用的有：list、run"),
        (("run", "--profil", "quick"), "没有选项 --profil（是不是 --profile？）"),
        (("run", "--budget"), "--budget 后面缺一个值"),
        (("run", "--budget", "1m", "--budget", "2m"), "--budget 写了不止一次"),
        (("run", "--reuse=maybe"), "--reuse 的值看不懂"),
        (("list", "extra"), "多写了：extra"),
        (("compare", "one"), "缺参数乙"),
    ],
)
def test_wrong_usage_says_what_was_meant(arguments: tuple[str, ...], expected: str) -> None:
    with pytest.raises(CycloptsError) as error:
        app(list(arguments))
    told = usage.wrong(error.value)
    assert told.startswith(expected)
    assert "用法见 python -m bench" in told


def test_help_names_every_command_and_has_no_english_frame(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ("list", "run", "selftest", "check", "compare", "export", "site", "links")
    for command in ((), *((one,) for one in commands)):
        assert _status(*command, "--help") == 0
        told = capsys.readouterr().out
        assert told.startswith("用法：bench")
        assert not re.search(
            r"Usage|Commands|Parameters|Arguments|COMMAND|OPTIONS|default:|required|Display", told
        )
        assert command or all(f" {one} " in told for one in commands)


def test_without_results_each_command_says_so(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (_status("check"), _status("export")) == (1, 0)
    told = capsys.readouterr()
    assert "先运行 nox -s docs" in told.out
    assert "没有可以导出的结果" in told.err
    assert json.loads((build / "export" / "status.json").read_text(encoding="utf-8")) == {}


def _stored(folder: Path, make: Make, build: str, key: str, **header: Any) -> Path:
    rounds = [[(case, {}) for case in (BASELINE, CONTROL)]] * 2
    journal = make.journal(rounds, experiment="arena", build=build, key=key, **header)
    return keep(folder / "results", journal)


def test_only_results_that_hold_here_are_used_and_the_others_are_told(
    build: Path, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Here.read()
    facts = here.facts().machine
    key = here.key(EXPERIMENTS["arena"], PROFILES["default"])
    old = _stored(
        build,
        make,
        OLD,
        key,
        machine={**facts, "isa": list(facts["isa"]), "transparent_huge_pages": "sometimes"},
    )
    assert _status("check") == 1
    assert "不沿用，透明大页当时是 sometimes，现在是 " in capsys.readouterr().out
    old.unlink()
    _stored(build, make, OLD, "f" * 16)
    old.with_name(f"{TORN}.jsonl").write_text("{}\n", encoding="utf-8")
    assert _status("check") == 1
    told = capsys.readouterr().out
    assert f"✗ arena/{OLD}.jsonl" in told
    assert re.search(rf"✗ arena/{TORN}\.jsonl：损坏", told)
    assert _status("export") == 0
    _stored(build, make, NEW, key)
    assert _status("check") == 0
    told = capsys.readouterr().out
    found = re.findall(r"^(.) arena/(.{20}).*?(；已有有效的，可以删掉它)?$", told, re.MULTILINE)
    assert [(mark, name, bool(more)) for mark, name, more in found] == [
        ("✓", NEW, False), ("·", TORN, True), ("·", OLD, True),
    ]  # fmt: skip


def test_build_may_be_named_by_the_beginning_of_its_id(
    build: Path, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in (OLD, TORN):
        _stored(build, make, one, "f" * 16)
    assert _status("compare", "20260101", OLD) == 0
    assert "同一次构建" in capsys.readouterr().out
    assert _status("compare", "20260101", "20260102") == 0
    assert "同一次构建" not in capsys.readouterr().out
    assert f"不止一个：{OLD}、{TORN}" in _refusal("compare", "2026", "20260101")
    assert "缺构建编号" in _refusal("compare", "", "20260101")


@pytest.mark.parametrize("command", [("run", "--profile", "smoke"), ("selftest",), ("export",), ("site",)])
def test_build_folder_that_cannot_be_is_refused(
    build: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    (build / "file").write_text("", encoding="utf-8")
    for place in (build / "file", Path("/proc/no_such")):
        monkeypatch.setenv(BUILD_VARIABLE, str(place))
        told = _refusal(*command)
        assert f"不能写入 {place}" in told
        assert BUILD_VARIABLE in told


@pytest.mark.skipif(not FULL.exists(), reason="没有 /dev/full")
@pytest.mark.parametrize("command", [("list",), ("--help",)])
def test_standard_output_that_is_full_is_told_in_one_sentence(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    with FULL.open("w", encoding="utf-8") as full:
        done = _bench(tmp_path, *command, stdout=full)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr


def test_two_runs_at_once_take_turns_and_whoever_waits_can_be_stopped(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"):
        waiting = [_start(tmp_path, "run", "--budget", "1s", PYTHONUNBUFFERED="1") for _ in range(2)]
        for one in waiting:
            assert one.stdout
            assert "等它结束" in one.stdout.readline()
        waiting[0].send_signal(signal.SIGINT)
        _, told = waiting[0].communicate(timeout=30)
        assert (waiting[0].returncode, told) == (130, "已中断。\n")  # nothing is promised
    _, told = waiting[1].communicate(timeout=30)
    assert "太小" in told


def test_durations() -> None:
    assert [parse_duration(text) for text in ("90s", "10m", "1.5h", "45")] == [90, 600, 5400, 45]
    for text in ("", "m", "-5m", "10 minutes", "1d"):
        with pytest.raises(Refused):
            parse_duration(text)


def test_what_a_killed_run_left_is_removed_and_told(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    named = leftovers.process(Folders.here().leftovers, child.pid)
    named.__enter__()
    _refusal("run", "--budget", "1s")
    child.wait(10)  # raises if it lives on
    assert f"已经清掉：进程 {child.pid}" in capsys.readouterr().out
    assert list((build / "leftovers").iterdir()) == []


def test_missing_model_package_is_one_sentence(tmp_path: Path) -> None:
    """Rapidocr is hidden from the child by a package of that name without models."""
    shadow = tmp_path / "shadow" / "rapidocr"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("", encoding="utf-8")
    path = os.pathsep.join((str(shadow.parent), os.environ.get("PYTHONPATH", "")))
    done = _bench(tmp_path / "b", "run", "intra_op_num_threads", "--profile", "smoke", PYTHONPATH=path)
    assert "rapidocr" in _one_sentence(done)
