"""`settings.py` of a tuning result: clean, short, the same settings as advised, and it runs on a real model."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from faults.texts import HOSTILE, odd_characters
from made_up_tuned import FAST, KEPT, LEAN, MadeUpTuned, figures

from bench.models import MODELS
from bench.pages.tuned_code import settings_py
from bench.spec import BASELINE, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

USUAL = MadeUpTuned()
DEFAULT = MadeUpTuned(combined=(), advised=dict.fromkeys(USUAL.advised, BASELINE))
THREE = MadeUpTuned(
    combined=(*USUAL.combined, (KEPT, ("kept",), ("arena_off_hugetlb",), "proved", figures(10, 200, 50))),
    advised={**USUAL.advised, "kept": "for_kept"},
)
GAPS = replace(THREE, gap_ms=100, callers=2, quota=1.5)
LATE = replace(FAST, place=Place(env={"OMP_WAIT_POLICY": "PASSIVE"}))
WORLDS = {
    "usual": USUAL,
    "default": DEFAULT,
    "three": THREE,
    "gaps and callers": GAPS,
    "late variable": replace(USUAL, combined=((LATE, ("latency",), ("usable",), "proved", figures(7)),), advised={"latency": "for_latency"}),
    "memory alone": replace(USUAL, advised={"peak": "for_peak"}),
}  # fmt: skip
MOST_LINES = 110
"""Without empty ones, with three functions; with two, below a hundred."""


def _code(world: MadeUpTuned, model: Path = Path("/models/m.onnx")) -> str:
    return settings_py(world.tuned(), model)


def _loaded(code: str, monkeypatch: pytest.MonkeyPatch, name: str = "settings") -> dict[str, Any]:
    """What the file defines; sessions and options are recorded instead of opened."""
    fake = SimpleNamespace(
        SessionOptions=lambda: SimpleNamespace(add_session_config_entry=_noted, entries={}),
        RunOptions=lambda: SimpleNamespace(add_run_config_entry=lambda *_: None),
        GraphOptimizationLevel=SimpleNamespace(ORT_ENABLE_EXTENDED=2),
        InferenceSession=lambda path, options=None, providers=None: (path, options, providers),
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)  # type: ignore[arg-type]
    found: dict[str, Any] = {"__name__": name, "__file__": "/models/tuned/settings.py"}
    exec(compile(code, "settings.py", "exec"), found)  # noqa: S102 - our own text
    return found


def _noted(name: str, value: str) -> None:
    assert (name, value) == ("session.set_denormal_as_zero", "1")


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_code_is_clean_and_short(world: MadeUpTuned, tmp_path: Path) -> None:
    path = tmp_path / "settings.py"
    path.write_text(_code(world), encoding="utf-8")
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache", "--line-length=100"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", command[0], "--isolated", *command[1:], path],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
    lines = [line for line in _code(world).splitlines() if line]
    assert len(lines) <= (MOST_LINES if "def session_for_kept" in _code(world) else 99)


def test_needs_that_differ_have_a_function_each_and_the_first_is_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = _loaded(_code(USUAL), monkeypatch)
    path, options, providers = found["session"]()
    assert (path, options.intra_op_num_threads, providers) == ("/models/m.onnx", 2, ["CPUExecutionProvider"])
    assert found["session"]("other.onnx")[0] == "other.onnx"
    assert found["session_for_peak"]()[1].enable_mem_pattern is False
    opened = {need: (made[0], made[1]) for need, made in found["NEEDS"].items() if need != "default"}
    assert opened["latency"] == opened["cpu"] == (found["session"], None)
    assert opened["peak"] == opened["kept"] == (found["session_for_peak"], found["RUN_OPTIONS_FOR_PEAK"])
    assert found["NEEDS"]["default"][0]() == ("/models/m.onnx", None, ["CPUExecutionProvider"])
    assert "session_for" not in _code(replace(USUAL, advised={"peak": "for_peak"}))
    lone = _loaded(_code(replace(USUAL, advised={"peak": "for_peak"})), monkeypatch)
    assert lone["NEEDS"]["peak"] == (lone["session"], lone["RUN_OPTIONS"])
    plain = _loaded(_code(DEFAULT), monkeypatch)
    assert plain["session"]() == ("/models/m.onnx", None, ["CPUExecutionProvider"])
    assert "NEEDS" not in plain


def test_variables_read_at_the_start_are_handed_to_children_and_others_set_before_the_import(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = _code(THREE)
    assert (
        "# 启动 Python 之前先设，之后再设就晚了：export GLIBC_TUNABLES=glibc.malloc.hugetlb=1\ndef session_for_kept"
        in code
    )
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.arena_max=1")  # as a reader may have it
    seen: dict[str, list[str]] = {}

    def answer(command: Sequence[str], env: dict[str, str]) -> bytes:
        seen.setdefault(command[-1], []).append(env["GLIBC_TUNABLES"])
        return json.dumps([2.0, 100.0, 50.0] if command[-1] == BASELINE else [1.0, 60.0, 40.0]).encode()

    monkeypatch.setattr(subprocess, "check_output", answer)
    _loaded(code, monkeypatch)["compare"]("kept")
    assert seen == {BASELINE: [""] * 7, "kept": ["glibc.malloc.hugetlb=1"] * 7}
    late = _code(WORLDS["late variable"])
    assert "# 启动 Python 之前先设：export OMP_WAIT_POLICY=PASSIVE" in late
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert late.index("os.environ.setdefault") < late.index("import onnxruntime")
    _loaded(late, monkeypatch)
    assert __import__("os").environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_comparing_tells_ratios_and_memory_where_it_can_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {BASELINE: [2.0, 100.0, 50.0], "peak": [1.0, 60.0, 40.0]}
    monkeypatch.setattr(subprocess, "check_output", lambda command: json.dumps(told[command[-1]]).encode())
    _loaded(_code(USUAL), monkeypatch)["compare"]("peak")
    out = capsys.readouterr().out
    assert (
        out
        == "耗时是默认的 0.500 倍，各对从 0.500 到 0.500\n最多占：默认 100 MiB，这样 60 MiB\n做完后还占：默认 50 MiB，这样 40 MiB\n"
    )
    told |= {BASELINE: [2.0], "peak": [1.0]}
    _loaded(_code(USUAL), monkeypatch)["compare"]("peak")
    assert capsys.readouterr().out.count("\n") == 1


def test_feeds_are_the_corners_of_the_stored_arrays_of_one_file_for_all_or_one_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inputs").mkdir()
    wide, scalar = np.arange(12.0).reshape(3, 4), np.array(7)
    np.save(tmp_path / "inputs" / "0.npy", wide)
    np.save(tmp_path / "inputs" / "1.npy", scalar)
    found = _loaded(_code(USUAL), monkeypatch)
    found["INPUTS"] = tmp_path / "inputs"
    for files in ([{"a": "0.npy", "n": "1.npy"}], [{"a": "0.npy", "n": "1.npy"}] * 3):
        shapes = [{"a": [3, 4], "n": []}, {"a": [2, 3], "n": []}, {"a": [0, 4], "n": []}]
        (tmp_path / "inputs" / "feeds.json").write_text(
            json.dumps({"files": files, "shapes": shapes}), encoding="utf-8"
        )
        fed = list(found["feeds"]())
        assert [one["a"].shape for one in fed] == [(3, 4), (2, 3), (0, 4)]
        assert (fed[1]["a"] == wide[:2, :3]).all()
        assert all(isinstance(one["n"], np.ndarray) and one["n"] == 7 for one in fed)


def test_calls_come_as_they_were_measured() -> None:
    assert "time.sleep(0.1)" in _code(GAPS)
    assert "ThreadPoolExecutor(2)" in _code(GAPS)
    assert "2 核，配额 1.5 核，" in _code(GAPS)
    assert not re.search("sleep|ThreadPool|配额", _code(THREE))


@pytest.mark.parametrize("hostile", HOSTILE[:-1], ids=[one.what for one in HOSTILE[:-1]])
def test_a_path_is_a_literal_whatever_is_in_it(hostile: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (hostile.text, 'a"""b', "a\\", "\udcff中文 \U0001f600"):
        code = _code(replace(USUAL, name="模型"), Path("/models") / text)
        assert code.encode()  # no half characters
        assert not odd_characters(code)
        assert _loaded(code, monkeypatch)["MODEL"] == str(Path("/models") / text)


def test_file_runs_on_a_real_model_and_measures_again(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    model = tmp_path / '它的"模型".onnx'
    model.write_bytes(MODELS["one_matmul"].build())
    ((name, make_array),) = MODELS["one_matmul"].inputs.items()
    array = make_array(((4, 1024),))
    np.save(tmp_path / "inputs" / "0.npy", array)
    feeds = {"files": [{name: "0.npy"}], "shapes": [{name: list(array.shape)}, {name: [1, *array.shape[1:]]}]}
    (tmp_path / "inputs" / "feeds.json").write_text(json.dumps(feeds), encoding="utf-8")
    code = _code(replace(THREE, combined=[(replace(KEPT, settings=LEAN.settings), *one[1:]) if one[0] is KEPT else one for one in THREE.combined]), model)  # fmt: skip
    quick = code.replace("range(7)", "range(2)").replace("sum(spent) < 500", "sum(spent) < 1")
    assert quick != code
    (tmp_path / "settings.py").write_text(quick, encoding="utf-8")

    def run(*arguments: str) -> str:
        command = [sys.executable, "settings.py", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert re.fullmatch(r"\d+\.\d ms（第一次推理，比以后的慢）\n\(\d+, \d+\)\n", run())
    told = run("--compare", "kept")
    assert re.match(r"耗时是默认的 \d\.\d{3} 倍，各对从 \d\.\d{3} 到 \d\.\d{3}\n", told)
    if Path("/proc/self/status").exists():
        peak, kept = re.findall(r"默认 (\d+) MiB，这样 (\d+) MiB", told)
        assert all(5 < int(mib) < 1000 for mib in (*peak, *kept))
    assert "python settings.py --compare" in run("--compare", "weather")
