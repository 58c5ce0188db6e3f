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
from bundles import BUILD, export, packed, seen
from cyclopts import CycloptsError
from faults.stage import AS_IN_A_SHELL
from filelock import FileLock
from stored import keep

from bench.__main__ import app
from bench.cli import bundling, measuring, usage
from bench.cli.measuring import parse_duration
from bench.cli.refusals import Refused, working
from bench.experiments import EXPERIMENTS, OF_A_BUILD
from bench.measure.campaign import Here
from bench.measure.profiles import PROFILES
from bench.models import ModelError
from bench.pages import source
from bench.results.bundle import read
from bench.spec import BASELINE, CONTROL
from bench.system import leftovers
from bench.system.folders import BUILD_VARIABLE, Folders

if TYPE_CHECKING:
    from samples import Make

FULL = Path("/dev/full")
OLD, TORN, NEW = "20260101-000000-aaaa", "20260102-000000-bbbb", "20260103-000000-cccc"
COMMANDS = ("list", "run", "selftest", "check", "compare", "bundle", "export", "site", "links")
ENGLISH = r"Usage|Commands|Parameters|Arguments|COMMAND|OPTIONS|default:|required|Display"
Capture = pytest.CaptureFixture[str]


def _start(folder: Path, *arguments: str, stdout: Any = subprocess.PIPE) -> subprocess.Popen[str]:
    """The real thing: its status, and what stands on which stream."""
    env = {**os.environ, BUILD_VARIABLE: str(folder), "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    command = [*AS_IN_A_SHELL, sys.executable, "-m", "bench", *arguments]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, encoding="utf-8", env=env)


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


def test_what_cannot_be_done_is_one_sentence_on_stderr(tmp_path: Path) -> None:
    for arguments, status, expected in (
        (("run", "no_such"), 1, "没有实验“no_such”，可用的有：after_run、allocators、arena"),
        (("rn",), 2, "没有命令“rn”（是不是 run？），可用的有：list、run"),
    ):
        with _start(tmp_path, *arguments) as running:
            out, err = running.communicate()
        assert (running.returncode, out, err.count("\n")) == (status, "", 1)
        assert expected in err


def test_what_was_asked_for_is_on_stdout(build: Path, capsys: Capture) -> None:
    assert _status("--version") == 0
    told = capsys.readouterr().out
    assert re.fullmatch(r"bench [\d.]+，onnxruntime [\d.]+，Python [\d.]+\n", told)
    assert _status("list") == 0
    lines = [f"{one.id}：{one.question}（没有本机的有效结果）" for one in EXPERIMENTS.values()]
    assert capsys.readouterr().out.splitlines() == lines
    for command in ((), *((one,) for one in COMMANDS)):
        assert _status(*command, "--help") == 0
        told = capsys.readouterr().out
        assert told.startswith("用法：bench")
        assert not re.search(ENGLISH, told)
        assert command or all(f" {one} " in told for one in COMMANDS)


WRONG = (
    ("run aren", "没有实验“aren”（是不是 arena？）"), ("run --profile fast", "没有档位“fast”"),
    ("run --budget 1s", "预算 1 秒太小"), ("run --reuse --fresh", "--reuse 和 --fresh 不能一起用"),
    ("site --target nowhere", "还没有本机的有效结果"), ("links --site nowhere", "nowhere 里没有建好的网站"),
    ("compare 20260101 20260102", "20260101：没有这个编号"), ("no_such", "没有命令“no_such”，可用的有：list、run"),
    ("run --profil quick", "没有选项 --profil（是不是 --profile？）"), ("run --budget", "--budget 后面缺一个值"),
    ("run --budget 1m --budget 2m", "--budget 写了不止一次"), ("run --reuse=maybe", "--reuse 的值看不懂"),
    ("bundle", "没有可以打包的结果：先运行 nox -s docs"),
    ("list extra", "多写了：extra"), ("compare one", "缺参数乙"),
)  # fmt: skip


@pytest.mark.parametrize(("typed", "expected"), WRONG)
def test_bad_input_and_wrong_usage_are_refused(build: Path, typed: str, expected: str) -> None:
    with pytest.raises((Refused, CycloptsError)) as error:
        app(typed.split())
    misused = isinstance(error.value, CycloptsError)
    told = usage.wrong(error.value) if misused else str(error.value)
    assert expected in told
    assert ("用法见 python -m bench" in told) == (misused and told.startswith(expected))
    assert not list(build.rglob("*.jsonl"))


def test_durations() -> None:
    assert [parse_duration(text) for text in ("90s", "10m", "1.5h", "45")] == [90, 600, 5400, 45]
    for text in ("", "m", "-5m", "10 minutes", "1d", "0"):
        with pytest.raises(Refused, match=f"看不懂的时间“{text}”|要大于 0"):
            parse_duration(text)
    with pytest.raises(Refused, match="太长"):
        parse_duration("999999999999h")


def test_what_is_measured_apart_is_in_no_build_and_has_a_time_of_its_own() -> None:
    apart, quick = ("versions", "upstream"), PROFILES["quick"]
    assert not {*apart} & {*OF_A_BUILD}
    own = [EXPERIMENTS[name].own_budget_s or 0 for name in apart]
    assert [measuring._budget_s(names, quick) for names in (apart[:1], apart, (apart[0], apart[0]))] == [
        own[0],
        sum(own),
        own[0],
    ]
    assert [measuring._budget_s(names, quick) for names in ((), ("arena", "versions"))] == [
        quick.budget_s
    ] * 2


def test_without_results_each_command_says_so(build: Path, capsys: Capture) -> None:
    assert (_status("check"), _status("export")) == (1, 0)
    told = capsys.readouterr()
    assert "先运行 nox -s docs" in told.out
    assert "没有可以导出的结果" in told.err
    assert json.loads((build / "export" / "status.json").read_text(encoding="utf-8")) == {}


def test_files_of_other_machines_are_looked_at_one_by_one(build: Path, make: Make, capsys: Capture) -> None:
    name, content = packed(make, build)
    (build / name).write_bytes(content)
    (build / "forged.json.gz").write_bytes(content[:-9])
    assert _status("check", str(build / name)) == 0
    assert capsys.readouterr().out == f"✓ {name}：有效，1 个实验\n"
    assert _status("check", str(build / name), str(build / "forged.json.gz")) == 1
    assert capsys.readouterr().out.splitlines()[1] == "✗ forged.json.gz：文件不完整，后面少了一截"


def test_results_of_this_machine_become_one_file_without_those_measured_apart(
    build: Path, make: Make, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {"toys": export(make), "versions": export(make, "versions")}
    monkeypatch.setattr(bundling, "OF_A_BUILD", ("toys", "others"))
    monkeypatch.setattr(source, "status", lambda: dict.fromkeys(ours, "valid"))
    monkeypatch.setattr(source, "load", ours.__getitem__)
    monkeypatch.setattr(source, "selftests", lambda: {BUILD: seen(make, build)})
    assert _status("bundle", "--target", str(build / "machines")) == 0
    (file,) = (build / "machines").iterdir()
    assert f"{file}：1 个实验，" in capsys.readouterr().out
    assert [one.experiment for one in read(file).exports] == ["toys"]
    monkeypatch.setattr(source, "selftests", dict)
    assert "这次的结果不能打包：测量 20260102-030405-abcd 没有自检" in _refusal("bundle")


def _stored(folder: Path, make: Make, build: str, key: str = "f" * 16, **header: Any) -> Path:
    rounds = [[(case, {}) for case in (BASELINE, CONTROL)]] * 2
    journal = make.journal(rounds, experiment="arena", build=build, key=key, **header)
    return keep(folder / "results", journal)


def test_only_results_that_hold_here_are_used_and_the_others_are_told(
    build: Path, make: Make, capsys: Capture
) -> None:
    here = Here.read()
    facts, key = here.facts().machine, here.key(EXPERIMENTS["arena"], PROFILES["default"])
    machine = {**facts, "isa": list(facts["isa"]), "transparent_huge_pages": "sometimes"}
    old = _stored(build, make, OLD, key, machine=machine)
    assert _status("check") == 1
    assert "不沿用，透明大页当时是 sometimes，现在是 " in capsys.readouterr().out
    old.unlink()
    _stored(build, make, OLD)
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


def test_build_may_be_named_by_the_beginning_of_its_id(build: Path, make: Make, capsys: Capture) -> None:
    for one in (OLD, TORN):
        _stored(build, make, one)
    for other, same in ((OLD, True), ("20260102", False)):
        assert _status("compare", "20260101", other) == 0
        assert ("同一次构建" in capsys.readouterr().out) == same
    assert f"不止一个：{OLD}、{TORN}" in _refusal("compare", "2026", "20260101")
    assert "缺构建编号" in _refusal("compare", "", "20260101")


@pytest.mark.parametrize("command", [("run", "--profile", "smoke"), ("selftest",), ("export",), ("site",)])
def test_build_folder_that_cannot_be_is_refused(
    build: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    (build / "file").touch()
    for place in (build / "file", Path("/proc/no_such")):
        monkeypatch.setenv(BUILD_VARIABLE, str(place))
        told = _refusal(*command)
        assert f"不能写入 {place}" in told
        assert BUILD_VARIABLE in told


def test_model_that_cannot_be_had_is_a_refusal(build: Path) -> None:
    with pytest.raises(Refused, match=r"^没有模型$"), working():
        raise ModelError("没有模型")


@pytest.mark.skipif(not FULL.exists(), reason="没有 /dev/full")
def test_standard_output_that_is_full_is_told_in_one_sentence(tmp_path: Path) -> None:
    with FULL.open("w", encoding="utf-8") as full, _start(tmp_path, "list", stdout=full) as running:
        _, err = running.communicate()
    assert (running.returncode, err.count("\n")) == (1, 1), err


def test_two_runs_at_once_take_turns_and_whoever_waits_can_be_stopped(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"):
        waiting = [_start(tmp_path, "run", "log_severity", "--budget", "1s") for _ in range(2)]
        for one in waiting:
            assert one.stdout
            assert "等它结束" in one.stdout.readline()
        waiting[0].send_signal(signal.SIGINT)
        _, told = waiting[0].communicate(timeout=30)
        assert (waiting[0].returncode, told) == (130, "已中断。\n")  # nothing is promised
    _, told = waiting[1].communicate(timeout=180)  # it makes the models first, and tries them out
    assert "太小" in told


def test_what_a_killed_run_left_is_removed_and_told(build: Path, capsys: Capture) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    named = leftovers.process(Folders.here().leftovers, child.pid)
    named.__enter__()
    _refusal("run", "--budget", "1s")
    child.wait(10)  # raises if it lives on
    assert f"已经清掉：进程 {child.pid}" in capsys.readouterr().out
    assert list((build / "leftovers").iterdir()) == []
