"""The command line as a user meets it: what it refuses, in one sentence, leaving earlier results intact."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
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
    from collections.abc import Iterator

    from conftest import Make

FULL = Path("/dev/full")
OLD, TORN, NEW = "20260101-000000-aaaa", "20260102-000000-bbbb", "20260103-000000-cccc"


def _environment(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, BUILD_VARIABLE: str(folder), "PYTHONIOENCODING": "utf-8", **more}


def _bench(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The real thing: its status, and what stands on which stream."""
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        capture_output=True, text=True, encoding="utf-8", check=False, env=_environment(folder, **env),
    )  # fmt: skip


def _one_sentence(done: subprocess.CompletedProcess[str], status: int = 1) -> str:
    assert done.returncode == status
    assert "Traceback" not in done.stdout + done.stderr
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


@pytest.mark.parametrize(
    ("arguments", "status", "expected"),
    [
        (("run", "no_such"), 1, "没有实验“no_such”，可用的有：arena"),
        (("rn",), 2, "没有命令“rn”（是不是 run？），可用的有：list、run"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_on_stderr(
    tmp_path: Path, arguments: tuple[str, ...], status: int, expected: str
) -> None:
    done = _bench(tmp_path, *arguments, COLUMNS="40")
    assert expected in _one_sentence(done, status)
    assert done.stdout == ""


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


@pytest.mark.parametrize("command", [(), ("run",), ("compare",), ("site",)])
def test_help_has_no_english_frame(capsys: pytest.CaptureFixture[str], command: tuple[str, ...]) -> None:
    assert _status(*command, "--help") == 0
    told = capsys.readouterr().out
    assert told.startswith("用法：bench")
    assert not re.search(
        r"Usage|Commands|Parameters|Arguments|COMMAND|OPTIONS|default:|required|Display", told
    )


def test_help_names_every_command_and_version_what_a_report_needs(tmp_path: Path) -> None:
    done = _bench(tmp_path, "--help")
    assert done.returncode == 0
    for command in ("list", "run", "selftest", "check", "compare", "export", "site", "links"):
        assert f" {command} " in done.stdout
    told = _bench(tmp_path, "--version").stdout
    assert re.fullmatch(r"bench [\d.]+，onnxruntime [\d.]+，Python [\d.]+\n", told)


def test_list_has_one_whole_line_for_each_experiment(tmp_path: Path) -> None:
    done = _bench(tmp_path, "list", COLUMNS="40")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"{one.id}：{one.question}（没有本机的有效结果）" for one in EXPERIMENTS.values()
    ]


def test_without_results_each_command_says_so(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (_status("check"), _status("export")) == (1, 0)
    told = capsys.readouterr()
    assert "先运行 nox -s docs" in told.out
    assert "没有可以导出的结果" in told.err
    assert json.loads((build / "export" / "status.json").read_text(encoding="utf-8")) == {}


def test_damaged_result_is_named_and_ignored(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = build / "results" / "arena" / f"{OLD}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"kind": "header"}\n', encoding="utf-8")
    assert _status("check") == 1
    assert re.search(rf"✗ arena/{OLD}\.jsonl：损坏", capsys.readouterr().out)
    assert _status("export") == 0


def _stored(folder: Path, make: Make, build: str, key: str, **header: Any) -> Path:
    rounds = [[(case, {}) for case in (BASELINE, CONTROL)]] * 2
    journal = make.journal(rounds, experiment="arena", build=build, key=key, **header)
    return keep(folder / "results", journal)


def _key(here: Here) -> str:
    return here.key(EXPERIMENTS["arena"], PROFILES["default"])


def test_result_of_a_machine_that_is_set_differently_by_now_is_not_used_and_said_to_be(
    build: Path, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Here.read()
    facts = here.facts().machine
    machine = {**facts, "isa": list(facts["isa"]), "transparent_huge_pages": "sometimes"}
    _stored(build, make, OLD, _key(here), machine=machine)
    assert _status("check") == 1
    assert "不沿用，透明大页当时是 sometimes，现在是 " in capsys.readouterr().out


def test_old_results_beside_a_valid_one_are_no_fault(
    build: Path, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    old = _stored(build, make, OLD, "f" * 16)
    old.with_name(f"{TORN}.jsonl").write_text("{}\n", encoding="utf-8")
    assert _status("check") == 1
    assert f"✗ arena/{OLD}.jsonl" in capsys.readouterr().out
    _stored(build, make, NEW, _key(Here.read()))
    assert _status("check") == 0
    told = capsys.readouterr().out
    assert re.findall(r"^(.) arena/(.{20})", told, re.MULTILINE) == [("✓", NEW), ("·", TORN), ("·", OLD)]
    assert told.count("可以删掉它") == 2


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
@pytest.mark.parametrize("command", [("list",), ("--help",), ("run", "--budget", "1s")])
def test_standard_output_that_is_full_is_told_in_one_sentence(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    with FULL.open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bench", *command],
            stdout=full, stderr=subprocess.PIPE, text=True, encoding="utf-8", check=False,
            env=_environment(tmp_path),
        )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr


@contextmanager
def _waiting(folder: Path) -> Iterator[tuple[subprocess.Popen[str], FileLock]]:
    """A run that has said that it waits, and what it waits for."""
    with FileLock(folder / "lock") as lock:
        waiting = subprocess.Popen(
            [sys.executable, "-u", "-m", "bench", "run", "--budget", "1s"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            env=_environment(folder),
        )  # fmt: skip
        assert waiting.stdout
        assert "等它结束" in waiting.stdout.readline()
        yield waiting, lock


def test_ctrl_c_while_waiting_promises_nothing(tmp_path: Path) -> None:
    with _waiting(tmp_path) as (waiting, _):
        waiting.send_signal(signal.SIGINT)
        _, told = waiting.communicate(timeout=30)
    assert (waiting.returncode, told) == (130, "已中断。\n")


def test_two_runs_at_once_take_turns(tmp_path: Path) -> None:
    with _waiting(tmp_path) as (waiting, lock):
        lock.release()
        _, told = waiting.communicate(timeout=30)
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
