"""The reader's model as it is read: what it is fed, what stands in it, and what the caller makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from asking import answer, arrays, outside, written

from bench.tune import own
from bench.tune.own import SEED, CannotTune, Wanted, changed, label, read

NAMED = (
    "int64[n, 4] attention_mask, float[n, 4] Mask, int32[n, 4] token_type_ids, int8[n, 4] segment, "
    "int64[n, 4] position_ids, int64 position, bool[n, 2] kept"
)
LOOKED_UP = (
    "c = Cast <to = 7> (word) r = Reshape (c, shape) g = Gather (table, r) h = Gather <axis = 1> (wide, r) "
)
TABLES = {
    "table": np.ones((900, 2), np.float32),
    "wide": np.ones((2, 30), np.float32),
    "shape": np.array([-1]),
}


def values(path: Path, signature: str, *body: str, **job: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """What all calls are fed, and what is said of it."""
    model = written(path, signature, *body, **TABLES if body else {})
    found = answer(model, **job)
    (fed,) = arrays(model, found)
    assert {one["name"]: one["dtype"] for one in found["inputs"]} == {n: v.dtype.name for n, v in fed.items()}
    assert {name: list(value.shape) for name, value in fed.items()} == found["shapes"][0]
    assert all(value.flags.c_contiguous for value in fed.values())
    return fed, {one["name"]: one["made"] for one in found["inputs"]}


def test_numbers_are_drawn_from_a_seed_and_none_is_subnormal(tmp_path: Path) -> None:
    signature = "float[n, 40] x, float16[n, 4000] half, double[n, 5] d, float16[n, 5] within"
    fed, made = values(tmp_path / "m.onnx", signature, batch=2, ranges={"within": [2, 3]})
    assert fed["x"].shape == (2, 40)
    assert (abs(fed["x"].mean()) < 1, 0.5 < fed["x"].std() < 2) == (True, True)
    assert not np.any((fed["half"] != 0) & (np.abs(fed["half"]) < np.finfo(np.float16).tiny))
    assert 2 <= fed["within"].min() < fed["within"].max() <= 3
    assert (made["x"], made["within"]) == (
        f"标准正态的随机数，种子 {SEED}", f"2 到 3 均匀分布的随机数，种子 {SEED}"
    )  # fmt: skip
    again, _ = values(tmp_path / "m.onnx", signature, batch=2, ranges={"within": [2, 3]})
    assert all(np.array_equal(fed[name], again[name]) for name in fed)


def test_whole_numbers_stay_below_the_rows_of_the_smallest_table_that_they_look_up(tmp_path: Path) -> None:
    signature = "int32[n, 400] word, int64[n, 50] other, uint8[9] u"
    fed, made = values(tmp_path / "m.onnx", signature, LOOKED_UP)
    assert (fed["word"].min(), 20 < fed["word"].max() < 30) == (0, True)
    assert set(fed["other"].flat) == set(fed["u"].flat) == {0, 1}
    assert made["word"] == f"0 到 29 的整数（它查的表有 30 行），随机数，种子 {SEED}"
    assert made["other"] == f"0 和 1，随机数，种子 {SEED}"


def test_names_say_what_values_are(tmp_path: Path) -> None:
    fed, made = values(tmp_path / "m.onnx", NAMED, batch=2)
    assert all(np.all(fed[name] == 1) for name in ("attention_mask", "Mask", "kept"))
    assert not any(np.any(fed[name]) for name in ("token_type_ids", "segment", "position"))
    assert fed["position_ids"].tolist() == [[0, 1, 2, 3]] * 2
    assert sorted(set(made.values())) == ["从 0 数起", "全是 0", "全是 1", "全是 True"]


def test_several_shapes_are_zipped_and_arrays_cover_them(tmp_path: Path) -> None:
    """What is the first axis somewhere is the batch everywhere; an axis without a name is called by its place."""
    model = written(tmp_path / "m.onnx", "float[n, seq, 4] x, float[2, n, past] state, float[2, ?] z")
    found = answer(model, dims={"seq": [8, 3], "past": [0], "z.1": [1, 5]}, batch=3)
    assert found["shapes"] == [
        {"x": [3, 8, 4], "state": [2, 3, 0], "z": [2, 1]}, {"x": [3, 3, 4], "state": [2, 3, 0], "z": [2, 5]}
    ]  # fmt: skip
    (whole,) = arrays(model, found)
    covering = {"x": (3, 8, 4), "state": (2, 3, 0), "z": (2, 5)}
    assert {name: value.shape for name, value in whole.items()} == covering
    assert found["inputs"][0]["shapes"] == [[3, 8, 4], [3, 3, 4]]
    one = answer(model, dims={"n": [2], "seq": [1], "past": [1], "z.1": [1]})["shapes"][0]
    assert one["state"] == [2, 2, 1]


def test_own_data_is_used_as_it_is(tmp_path: Path) -> None:
    """Text too, which can only be given; every call has files of its own; any rank where the model does not say."""
    model = written(tmp_path / "m.onnx", "string[n] text, optional(float[2, m]) o, float[] any, float s")
    turned, empty = np.asfortranarray(np.ones((2, 3), np.float32)), np.ones((2, 0), np.float32)
    calls = [
        {"text": np.array(["a", "bc"]), "o": turned, "any": np.ones((1, 1, 2), np.float32)},
        {"text": np.array(["长"]), "o": empty, "any": np.array(2, np.float32)},
    ]
    paths = [str(tmp_path / f"{number}.npz") for number in range(2)]
    for path, call in zip(paths, calls, strict=True):
        np.savez(path, **call, s=np.array(3, np.float32))
    found = answer(model, inputs=paths)
    for call, one in zip(calls, arrays(model, found), strict=True):
        assert all(np.array_equal(one[name], value) for name, value in call.items())
        assert all(value.flags.c_contiguous for value in one.values())
        assert (one["s"].shape, float(one["s"])) == ((), 3)
    assert found["shapes"][1] == {"text": [1], "o": [2, 0], "any": [], "s": []}
    assert {one["made"] for one in found["inputs"]} == {"取自 0.npz 等 2 个文件"}
    assert len({file for one in found["files"] for file in one.values()}) == 8


def test_weights_outside_the_file_count_even_behind_links(tmp_path: Path) -> None:
    model = outside(tmp_path / "m.onnx")
    found = answer(model)
    assert (found["parameters"], found["denormals"], found["optimised"]) == (5, 1, False)
    assert found["bytes"] == sum((tmp_path / name).stat().st_size for name in ("m.onnx", "w.data"))
    (tmp_path / "w.data").rename(tmp_path / "blob")
    (tmp_path / "w.data").symlink_to("blob")  # as caches of hubs keep them
    assert answer(model) == found


def test_weights_in_branches_count(tmp_path: Path) -> None:
    branches = [f"{name} = graph () => (float z) {{ z = Constant <value = float {{1.0}}> () }}" for name in
                ("then_branch", "else_branch")]  # fmt: skip
    model = written(tmp_path / "m.onnx", "bool x", f"q = If (x) <{', '.join(branches)}> ")
    assert answer(model)["parameters"] == 3


def test_ort_format_is_read_too(tmp_path: Path) -> None:
    plain, options = written(tmp_path / "p.onnx", "float[n, 3] x"), ort.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(tmp_path / "m.ort"), 3
    ort.InferenceSession(str(plain), options, providers=["CPUExecutionProvider"])
    found = answer(tmp_path / "m.ort", batch=2)
    assert (found["optimised"], found["shapes"]) == (True, [{"x": [2, 3]}])


def wanted(model: Path, **changes: Any) -> Wanted:
    none: dict[str, Any] = dict.fromkeys(("cores", "quota", "batch", "ort"))
    given = {"goal": "all", "budget_s": 600.0, "gap_ms": 0, "callers": 1, "inputs": ()}
    return Wanted(model=model, **none | given | {name: {} for name in ("dims", "ranges", "limits")} | changes)


def test_parent_reads_through_a_process_and_keeps_the_arrays(tmp_path: Path) -> None:
    model = written(tmp_path / "m.onnx", "float[n, seq, 3] x, int64[n] ids")
    asked = wanted(model, dims={"seq": (4, 6)}, batch=2)
    found = read(asked, tmp_path / "scratch")
    assert (found.facts.name, [one.dtype for one in found.inputs]) == ("m.onnx", ["float32", "int64"])
    assert found.shapes == ({"x": (2, 4, 3), "ids": (2,)}, {"x": (2, 6, 3), "ids": (2,)})
    kept = found.moved(tmp_path / "inputs")
    assert kept == replace(found, files=kept.files)
    assert {path.name for path in (tmp_path / "inputs").iterdir()} == {"feeds.json", "0.npy", "1.npy"}
    told = json.loads((tmp_path / "inputs" / "feeds.json").read_bytes())
    assert told["files"] == [{"x": "0.npy", "ids": "1.npy"}]
    assert told["shapes"] == [{"x": [2, 4, 3], "ids": [2]}, {"x": [2, 6, 3], "ids": [2]}]
    kept.files[0]["x"].write_bytes(b"of an earlier run")
    kept = read(asked, tmp_path / "scratch").moved(tmp_path / "inputs")
    assert np.load(kept.files[0]["x"]).shape == (2, 6, 3)
    assert not changed(kept)
    model.write_bytes(model.read_bytes() + b" ")
    assert changed(kept)
    model.unlink()
    assert changed(kept)
    with pytest.raises(CannotTune, match=r"^没有文件 .*m\.onnx：请检查路径$"):
        read(asked, tmp_path / "scratch")


def test_a_process_that_dies_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dying = tmp_path / "dying"
    dying.write_text("#!/bin/sh\ncat > /dev/null\nkill -SEGV $$\n", encoding="utf-8")
    dying.chmod(0o755)
    monkeypatch.setattr(own.sys, "executable", str(dying))
    with pytest.raises(CannotTune, match=r"^读 .*m\.onnx 时出了错：进程因信号 SIGSEGV 结束$"):
        read(wanted(tmp_path / "m.onnx"), tmp_path / "scratch")


def test_what_was_asked_for_and_how_inputs_are_called() -> None:
    asked, slack = wanted(Path("m.onnx")), wanted(Path("m.onnx"), compare=False, gap_ms=5)
    assert (asked.goals, asked.tolerance) == (("latency", "peak", "kept"), 1e-3)
    assert (slack.goals, slack.tolerance) == (("latency", "cpu", "peak", "kept"), 1e9)
    assert replace(asked, goal="cpu").goals == ("cpu",)
    assert asked.decides() == replace(asked, model=Path("other.onnx"), inputs=(Path("a.npz"),)).decides()
    different = [asked, slack, replace(asked, limits={"peak": 3.0}), replace(asked, budget_s=1.0)]
    assert len({json.dumps(one.decides()) for one in different}) == 4
    assert label([{"x": (1, 3, 48, 320), "y": (1, 128)}]) == "1x3x48x320"
    assert label([{"x": (1, 2)}, {"x": (1, 3)}, {"x": (1, 4)}]) == "3 shapes"
    assert label([{"x": (1, 2)}, {"x": (1, 2)}]) == "2 calls"
    assert (label([{"x": ()}]), len(label([{"x": (10**9,) * 16}]))) == ("scalar", 60)
